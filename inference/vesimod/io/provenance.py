"""Where a model came from: ``<model>.json`` beside it.

3dmod drops what it does not know from a model, so provenance cannot live inside.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from vesimod_imod.core.errors import InputError
from vesimod_imod.core.files import atomic_path, check_regular

_BLOCK = 1 << 16
_BLOCKS = 64


@dataclass(frozen=True)
class Provenance:
    """How a sphere model was made.

    Parameters
    ----------
    network, weights_sha256 : str
        Name and version of the network, SHA-256 of its ``.onnx`` file.
    tomogram, tomogram_fingerprint : str
        Name of the tomogram, and `fingerprint` of it.
    parameters : dict
        What the user could set, as plain JSON values.
    results : dict
        What came of it beside the spheres: voxel size, volume searched, notes, seconds.
    software : str
        vesimod and its version.
    date : str
        When, ISO 8601 in UTC.
    """

    network: str
    weights_sha256: str
    tomogram: str
    tomogram_fingerprint: str
    parameters: dict[str, Any]
    results: dict[str, Any] = field(default_factory=dict)
    software: str = field(default_factory=lambda: f"vesimod {metadata.version('vesimod')}")
    date: str = field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")
    )


def provenance_path(model: Path) -> Path:
    """Path of the record that lies beside a model file."""
    return model.with_name(model.name + ".json")


def fingerprint(path: Path) -> str:
    """SHA-256 over a file's size, its beginning and 64 blocks spread over it.

    Takes milliseconds for tomograms of many gigabytes, and tells apart any two that are not
    made to deceive.
    """
    digest = hashlib.sha256()
    if path.is_dir():  # an OME-Zarr image
        files = sorted(file for file in path.rglob("*") if file.is_file())
        for number, file in enumerate(files):
            digest.update(f"{file.relative_to(path).as_posix()} {file.stat().st_size}".encode())
            if number % max(len(files) // _BLOCKS, 1) == 0:
                digest.update(fingerprint(file).encode())
        return digest.hexdigest()
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as stream:
        for block in range(_BLOCKS):
            stream.seek(block * max(size - _BLOCK, 0) // (_BLOCKS - 1))
            digest.update(stream.read(_BLOCK))
    return digest.hexdigest()


def write_provenance(model: Path, provenance: Provenance) -> None:
    """Write the record of a model that has just been written; replaces an old one."""
    content = {**asdict(provenance), "model_fingerprint": fingerprint(model)}
    path = provenance_path(model)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")


def read_provenance(
    model: Path, tomogram: Path | None = None
) -> tuple[Provenance | None, list[str]]:
    """Read what is known of a model's making; a lost or stale record is not an error.

    Parameters
    ----------
    model : Path
        The model.
    tomogram : Path, optional
        The tomogram that it is about to be used with.

    Returns
    -------
    provenance : Provenance or None
        None where there is no record that can be read.
    notes : list of str
        That it is lost, or what has changed since.
    """
    path = provenance_path(model)
    try:
        check_regular(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        stamp = content.pop("model_fingerprint")
        provenance = Provenance(**content)
        _check_types(provenance, stamp)
    except FileNotFoundError:
        return None, [f"no {path.name} beside it: how {model.name} was made is not known"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return None, [f"{path.name} cannot be read ({error}): its record is not used"]
    notes = []
    if model.exists() and fingerprint(model) != stamp:
        notes.append(f"{model.name} was edited since vesimod wrote it on {provenance.date}")
    if tomogram is not None and fingerprint(tomogram) != provenance.tomogram_fingerprint:
        notes.append(
            f"{path.name} tells of another tomogram, {provenance.tomogram}: "
            f"{tomogram.name} has changed since, or is not the one"
        )
    return provenance, notes


def _check_types(provenance: Provenance, stamp: object) -> None:
    """Refuse a record whose entries are not what their names promise; readers go by them."""
    texts = {
        field.name: getattr(provenance, field.name)
        for field in fields(Provenance)
        if field.name not in ("parameters", "results")
    }
    for name, value in {**texts, "model_fingerprint": stamp}.items():
        if not isinstance(value, str):
            raise InputError(f"{name} is no text")
    parameters, results = provenance.parameters, provenance.results
    if not isinstance(parameters, dict) or not isinstance(results, dict):
        raise InputError("its parameters or results are no table of names and values")
    size, notes = results.get("voxel_size_nm", [1.0] * 3), results.get("notes", [])
    if not isinstance(size, list) or len(size) != 3 or not all(map(_is_positive, size)):
        raise InputError("voxel_size_nm is not three sizes")
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise InputError("notes are not a list of texts")
    numbers = [(name, results.get(name)) for name in ("searched_um3", "seconds", "threshold")]
    numbers += [(name, parameters.get(name)) for name in ("voxel_size_nm", "threshold")]
    for name, value in numbers:
        if value is not None and value != 0 and not _is_positive(value):
            raise InputError(f"{name} is no number above 0")
    radii = parameters.get("radius_nm") or [1.0] * 2
    if not isinstance(radii, list) or len(radii) != 2 or not all(map(_is_positive, radii)):
        raise InputError("radius_nm is not two radii")


def _is_positive(value: object) -> bool:
    """Whether a value is a finite number above 0 that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 < value <= sys.float_info.max
