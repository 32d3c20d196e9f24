"""Grids, spheres and files: what every room uses, here and in the other packages."""
