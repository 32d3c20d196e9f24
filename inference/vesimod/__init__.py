"""Vesicle segmentation for cryo-electron tomograms, without torch.

>>> import vesimod
>>> tomogram = vesimod.read_tomogram("TS_01_rec.mrc")            # doctest: +SKIP
>>> result = vesimod.segment(tomogram, vesimod.load_model())     # doctest: +SKIP
>>> result.spheres.centres, result.spheres.radii_nm              # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vesimod_imod.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from vesimod.io.tomogram import Tomogram, read_tomogram
    from vesimod.network.model import load_model
    from vesimod.pipeline import Segmentation, segment

    __version__: str

__all__ = ["Segmentation", "Tomogram", "__version__", "load_model", "read_tomogram", "segment"]

_HOMES = {
    "Segmentation": "pipeline",
    "Tomogram": "io.tomogram",
    "load_model": "network.model",
    "read_tomogram": "io.tomogram",
    "segment": "pipeline",
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
