"""The front door for Python: what ``import vesimod`` shows.

Each function takes what people have at hand, a path, an array or what another function returned,
and lets the rooms do the work. What may be wrong with a result is issued as a `VesimodWarning`.
"""
