"""Connectors and tethers: what links vesicles to each other and to the active zone."""
