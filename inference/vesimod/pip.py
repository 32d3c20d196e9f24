"""The stable door for com files: ``python -m vesimod.pip`` takes options in IMOD's manner.

Users' com and batchruntomo files name this module, so it must never move. Those of earlier
versions name ``vesimod.commands.pip_front``, which must keep working as well.
"""

from vesimod.commands.pip_front import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
