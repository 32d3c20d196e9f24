"""From a probability map, or from clicks, to spheres with reasons."""
