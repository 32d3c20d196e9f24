"""Vesicle segmentation for cryo-electron tomograms, without torch."""
