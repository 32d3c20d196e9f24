"""Vesicle segmentation for cryo-electron tomograms, without torch.

>>> import vesimod
>>> result = vesimod.segment("TS_01_rec.mrc")                    # doctest: +SKIP
>>> result.spheres["radius_nm"].mean()                           # doctest: +SKIP
>>> vesimod.write_spheres("TS_01.mod", result.spheres, "TS_01_rec.mrc")    # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vesimod_imod.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from vesimod_imod.core.errors import InputError, VesimodError, VesimodWarning
    from vesimod_imod.core.spheres import Grid, Spheres
    from vesimod_imod.model.chunks import ModFormatError

    from vesimod.api.comparing import corrections, evaluate, merge
    from vesimod.api.connecting import connect
    from vesimod.api.finding import read_tomogram, segment, snap
    from vesimod.api.spheres import paint_labels, read_spheres, write_spheres
    from vesimod.api.tracing import Membranes, membrane, outline
    from vesimod.connectors.result import Connections
    from vesimod.io.csv_table import TableError
    from vesimod.io.tomogram import Tomogram, TomogramError
    from vesimod.measure.agreement import Evaluation
    from vesimod.network.model import Model, load_model
    from vesimod.network.runtime import DeviceError
    from vesimod.network.spec import ModelError
    from vesimod.pipeline import Segmentation
    from vesimod.review.correction_table import Correction
    from vesimod.review.merge import Merged
    from vesimod.vesicles.snap import Snapped

    __version__: str

_HOMES = {
    "connect": "vesimod.api.connecting",
    "corrections": "vesimod.api.comparing",
    "evaluate": "vesimod.api.comparing",
    "load_model": "vesimod.network.model",
    "membrane": "vesimod.api.tracing",
    "merge": "vesimod.api.comparing",
    "outline": "vesimod.api.tracing",
    "paint_labels": "vesimod.api.spheres",
    "read_spheres": "vesimod.api.spheres",
    "read_tomogram": "vesimod.api.finding",
    "segment": "vesimod.api.finding",
    "snap": "vesimod.api.finding",
    "write_spheres": "vesimod.api.spheres",
    "Connections": "vesimod.connectors.result",
    "Correction": "vesimod.review.correction_table",
    "Evaluation": "vesimod.measure.agreement",
    "Grid": "vesimod_imod.core.spheres",
    "Membranes": "vesimod.api.tracing",
    "Merged": "vesimod.review.merge",
    "Model": "vesimod.network.model",
    "Segmentation": "vesimod.pipeline",
    "Snapped": "vesimod.vesicles.snap",
    "Spheres": "vesimod_imod.core.spheres",
    "Tomogram": "vesimod.io.tomogram",
    "DeviceError": "vesimod.network.runtime",
    "InputError": "vesimod_imod.core.errors",
    "ModFormatError": "vesimod_imod.model.chunks",
    "ModelError": "vesimod.network.spec",
    "TableError": "vesimod.io.csv_table",
    "TomogramError": "vesimod.io.mrc_header",
    "VesimodError": "vesimod_imod.core.errors",
    "VesimodWarning": "vesimod_imod.core.errors",
}
__all__ = [
    "Connections",
    "Correction",
    "DeviceError",
    "Evaluation",
    "Grid",
    "InputError",
    "Membranes",
    "Merged",
    "ModFormatError",
    "Model",
    "ModelError",
    "Segmentation",
    "Snapped",
    "Spheres",
    "TableError",
    "Tomogram",
    "TomogramError",
    "VesimodError",
    "VesimodWarning",
    "__version__",
    "connect",
    "corrections",
    "evaluate",
    "load_model",
    "membrane",
    "merge",
    "outline",
    "paint_labels",
    "read_spheres",
    "read_tomogram",
    "segment",
    "snap",
    "write_spheres",
]
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
