"""Limits that the command line names too, apart so that it starts without numpy."""

RADIUS_NM = (12.0, 75.0)  # radii that are looked for: the paper's least to the largest endosome
