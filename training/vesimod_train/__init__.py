"""Simulate, train, fine-tune and export the networks that vesimod runs."""
