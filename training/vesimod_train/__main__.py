"""Run the command line as ``python -m vesimod_train``."""

from vesimod_train.cli import main

# Simulation workers import this module under another name.
if __name__ == "__main__":
    main()
