"""Vesicles to the files of other programs and back; a function each."""
