"""Two sets of vesicles compared."""
