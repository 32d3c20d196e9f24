"""Etomo's data sets, com files, and options in IMOD's manner."""
