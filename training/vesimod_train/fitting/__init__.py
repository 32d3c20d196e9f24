"""Fitting networks, from nothing or from one that exists."""
