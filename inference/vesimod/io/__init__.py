"""Files in and out: tomograms, tables, label volumes, provenance, regions."""
