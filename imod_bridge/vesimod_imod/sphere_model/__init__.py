"""Spheres to IMOD models and back."""
