"""Membranes: surfaces through contours on sections."""
