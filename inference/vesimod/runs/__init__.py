"""Tomograms from their files to the files that hold the results."""
