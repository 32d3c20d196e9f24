"""Run the command line as ``python -m vesimod``."""

from vesimod.cli import main

main()
