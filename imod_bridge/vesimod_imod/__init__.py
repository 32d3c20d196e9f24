"""Everything that is IMOD: sphere models, Etomo, a running 3dmod. Needs numpy alone.

>>> import vesimod_imod
>>> reading = vesimod_imod.read_sphere_model("TS_01_vesicles.mod")    # doctest: +SKIP
>>> reading.spheres, reading.grid, reading.warnings                   # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vesimod_imod.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from vesimod_imod.core.errors import VesimodError
    from vesimod_imod.core.spheres import Grid, Spheres
    from vesimod_imod.model.chunks import ModFile, ModFormatError
    from vesimod_imod.model.files import read_mod, write_mod
    from vesimod_imod.sphere_model.read import SphereReading, read_sphere_model
    from vesimod_imod.sphere_model.write import write_sphere_model

    __version__: str

__all__ = [
    "Grid",
    "ModFile",
    "ModFormatError",
    "SphereReading",
    "Spheres",
    "VesimodError",
    "__version__",
    "read_mod",
    "read_sphere_model",
    "write_mod",
    "write_sphere_model",
]

_HOMES = {
    "Grid": "vesimod_imod.core.spheres",
    "ModFile": "vesimod_imod.model.chunks",
    "ModFormatError": "vesimod_imod.model.chunks",
    "SphereReading": "vesimod_imod.sphere_model.read",
    "Spheres": "vesimod_imod.core.spheres",
    "VesimodError": "vesimod_imod.core.errors",
    "read_mod": "vesimod_imod.model.files",
    "read_sphere_model": "vesimod_imod.sphere_model.read",
    "write_mod": "vesimod_imod.model.files",
    "write_sphere_model": "vesimod_imod.sphere_model.write",
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
