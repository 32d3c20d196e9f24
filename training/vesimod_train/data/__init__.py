"""Training examples: from simulations and from pairs of tomogram and model."""
