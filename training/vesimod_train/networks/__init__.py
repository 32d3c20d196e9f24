"""Networks in torch, their checkpoints, and weights to begin with."""
