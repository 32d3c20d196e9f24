"""A running 3dmod: what a person clicks and saves there."""
