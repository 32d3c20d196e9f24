"""Names of a model's objects: what their contents mean, to people and to every later step.

They travel in users' files, so a name that was once written is never given another meaning.
"""

from __future__ import annotations

#: Vesicles: what a prediction found, or a person decided.
VESICLES = "vesicles"
#: Finds of a later prediction that nobody has judged yet.
NEW = "vesicles, new"
#: Vesicles that a person moved, resized or added.
CORRECTED = "vesicles, corrected"
#: Look like vesicles, but a person said that they are not.
NOT_VESICLES = "not vesicles"
#: May be either: nothing is learned from them.
UNCERTAIN = "uncertain"
#: Clicks where no vesicle was found; kept for the person to look at.
REJECTED = "no vesicle found here"
#: Contours along the active zone, and around the cell or bouton: taken where nobody names others.
ACTIVE_ZONE = "active zone"
OUTLINE = "outline"

#: What nobody has decided: neither right nor wrong for a network to learn.
NOT_JUDGED = (UNCERTAIN, REJECTED, NEW)
_REGION_WORDS = ("review", "region")


def plain(name: str) -> str:
    """Return a name without what people write now so, now so: capitals, and several blanks."""
    return " ".join(name.casefold().split())


def is_region(name: str) -> bool:
    """Whether an object's name says that its contours outline what was reviewed."""
    return any(word in name.casefold() for word in _REGION_WORDS)


def claims_vesicles(name: str) -> bool:
    """Whether an object's name lets its spheres stand for vesicles."""
    return name not in (NOT_VESICLES, REJECTED) and not is_region(name)
