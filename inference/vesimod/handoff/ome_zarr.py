"""Labels as OME-Zarr 0.4, a folder that napari, copick and the CryoET Data Portal read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vesimod_imod.core.errors import MissingPackageError
from vesimod_imod.core.spheres import Spheres

from vesimod.errors import not_installed
from vesimod.handoff.folders import atomic_folder
from vesimod.handoff.frame import Frame, HandoffError
from vesimod.io.label_volume import paint_spheres

#: What such a folder holds.
CONTENT = (".zattrs", ".zgroup", "0")
_CHUNK = 64
_NAME = "vesicles"


def write_ome_zarr(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Paint spheres into a label image with their ids, at one scale, in nm.

    A folder that is there must be one of these; it is replaced.

    Raises
    ------
    MissingPackageError
        zarr is not installed.
    HandoffError
        The volume's shape is not known.
    """
    try:
        import zarr
    except ImportError as error:
        raise MissingPackageError(f"{path}: {not_installed('zarr')}") from error
    if not all(frame.grid.shape):
        raise HandoffError(f"{path}: labels fill a volume; give `tomogram`")
    labels = paint_spheres(spheres, frame.grid)
    chunks = tuple(min(_CHUNK, n) for n in labels.shape)
    layout: dict[str, Any] = {
        "shape": labels.shape,
        "chunks": chunks,
        "dtype": labels.dtype,
    }
    with atomic_folder(path, True, CONTENT) as folder:
        if zarr.__version__.startswith("2."):
            group = zarr.open_group(str(folder), mode="w")
            array = group.create_dataset("0", dimension_separator="/", **layout)
        else:
            group = zarr.open_group(str(folder), mode="w", zarr_format=2)
            keys: Any = {"name": "v2", "separator": "/"}
            array = group.create_array("0", chunk_key_encoding=keys, **layout)
        array[:] = labels
        group.attrs.update(_attributes(spheres, frame))


def _attributes(spheres: Spheres, frame: Frame) -> dict[str, Any]:
    """Metadata of a label image by the specification's version 0.4."""
    steps = [
        {"type": "scale", "scale": [float(size) for size in frame.size_nm]},
        {"type": "translation", "translation": [float(n) for n in frame.grid.origin_nm]},
    ]
    axes = [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "zyx"]
    scales = {
        "version": "0.4",
        "name": _NAME,
        "axes": axes,
        "datasets": [{"path": "0", "coordinateTransformations": steps}],
    }
    rows = zip(spheres.ids, spheres.radii_nm, spheres.scores, strict=True)
    properties = [
        {"label-value": int(k), "radius_nm": round(float(r), 4), "score": round(float(s), 6)}
        for k, r, s in rows
        if r > 0
    ]
    return {
        "multiscales": [scales],
        "image-label": {"version": "0.4", "properties": properties},
    }
