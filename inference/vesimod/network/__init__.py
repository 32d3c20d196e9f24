"""The network: what a model says of itself, and running it on a volume tile by tile."""
