"""Reports: what was found, so that a person can judge it, as pages that open anywhere."""
