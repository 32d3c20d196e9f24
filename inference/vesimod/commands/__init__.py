"""The commands of ``vesimod``, one small module each; :mod:`vesimod.cli` assembles them.

Heavy imports stay inside the functions: ``vesimod --help`` must be quick.
"""
