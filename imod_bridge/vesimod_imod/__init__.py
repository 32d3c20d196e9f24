"""Everything that is IMOD: sphere models, regions, corrections, com files. Needs numpy alone."""
