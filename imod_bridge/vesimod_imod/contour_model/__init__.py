"""Lines that people draw: contours from IMOD models and back."""
