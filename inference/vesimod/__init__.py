"""Vesicle segmentation for cryo-electron tomograms, without torch.

>>> import vesimod
>>> tomogram = vesimod.read_tomogram("TS_01_rec.mrc")            # doctest: +SKIP
>>> result = vesimod.segment(tomogram, vesimod.load_model())     # doctest: +SKIP
>>> result.spheres.centres, result.spheres.radii_nm              # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vesimod.io.tomogram import Tomogram, read_tomogram
    from vesimod.network.model import load_model
    from vesimod.pipeline import Segmentation, segment

__version__ = version("vesimod")
__all__ = ["Segmentation", "Tomogram", "__version__", "load_model", "read_tomogram", "segment"]

# Loaded on first use: importing vesimod, and `vesimod --help`, must not wait for scipy.
_HOMES = {
    "load_model": "network.model",
    "Segmentation": "pipeline",
    "segment": "pipeline",
    "Tomogram": "io.tomogram",
    "read_tomogram": "io.tomogram",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"vesimod.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vesimod' has no attribute {name!r}")
