"""Points for the CryoET Data Portal (ndjson) and for copick (json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.core.files import atomic_path, check_regular
from vesimod_imod.core.spheres import Spheres

from vesimod.handoff.frame import ANGSTROM_PER_NM, Frame, HandoffError, reading, spheres_at

_UNTURNED = [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]]
_OBJECT = "vesicle"


def write_ndjson(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write a line of JSON a point, x, y, z in voxels: the portal's annotations.

    Radius, score and id are keys of our own.
    """
    del frame
    rows = zip(spheres.centres, spheres.radii_nm, spheres.scores, spheres.ids, strict=True)
    lines = [
        json.dumps(
            {
                "type": "point",
                "location": _xyz(centre),
                "radius_nm": None if np.isnan(radius) else round(float(radius), 4),
                "score": round(float(score), 6),
                "id": int(number),
            }
        )
        for centre, radius, score, number in rows
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")


def read_ndjson(path: Path, frame: Frame) -> Spheres:
    """Read a portal's points, oriented ones and those of instances included.

    Raises
    ------
    HandoffError
        A line is no point.
    """
    del frame
    check_regular(path)
    with reading(path, "ndjson of points"):
        text = path.read_text(encoding="utf-8")
        points = [json.loads(line) for line in text.splitlines() if line.strip()]
        centres = np.array([_zyx(point["location"]) for point in points]).reshape(-1, 3)
        return _spheres(path, points, centres, ("radius_nm", "score", "id"))


def write_copick(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write picks of the object "vesicle" for copick, x, y, z in Angstrom.

    copick finds them as ExperimentRuns/RUN/Picks/USER_SESSION_OBJECT.json; user and session are
    taken from a name of that form. Radii belong to copick's configuration, one an object.
    """
    user, session, name = _named(path)
    rows = zip(
        spheres.centres * np.asarray(frame.size_nm), spheres.scores, spheres.ids, strict=True
    )
    points = [
        {
            "location": _xyz(ANGSTROM_PER_NM * at),
            "transformation_": _UNTURNED,
            "instance_id": int(number),
            "score": round(float(score), 6),
        }
        for at, score, number in rows
    ]
    content = {
        "pickable_object_name": name,
        "user_id": user,
        "session_id": session,
        "run_name": frame.tomogram,
        "voxel_spacing": round(ANGSTROM_PER_NM * frame.grid.xy_voxel_size_nm, 3),
        "unit": "angstrom",
        "points": points,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")


def _named(path: Path) -> tuple[str, str, str]:
    """User, session and object that a file's name tells copick."""
    parts = path.stem.split("_", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("vesimod", "1", _OBJECT)


def read_copick(path: Path, frame: Frame) -> Spheres:
    """Read copick's picks.

    Raises
    ------
    HandoffError
        It holds none, or not in Angstrom.
    """
    check_regular(path)
    with reading(path, "a file of copick's picks"):
        content = json.loads(path.read_text(encoding="utf-8"))
        unit = content.get("unit", "angstrom")
        if unit != "angstrom":
            raise HandoffError(f"{path}: positions in {unit}; copick's are in angstrom")
        points = content["points"] or []
        zyx = np.array([_zyx(point["location"]) for point in points]).reshape(-1, 3)
        centres = zyx / ANGSTROM_PER_NM / np.asarray(frame.size_nm)
        return _spheres(path, points, centres, ("", "score", "instance_id"))


def _spheres(
    path: Path, points: list[dict[str, Any]], centres: Any, names: tuple[str, str, str]
) -> Spheres:
    """Make spheres of points, with the radius, score and id that they hold under these names."""
    columns = [
        np.array([float(nan_if_none(point.get(name))) for point in points])
        if any(name in point for point in points)
        else None
        for name in names
    ]
    radii, scores, ids = columns
    if scores is not None and not np.isfinite(scores).all():
        scores = None
    return spheres_at(path, centres, radii, scores, ids)


def nan_if_none(value: float | None) -> float:
    """Return NaN for what JSON does not know."""
    return float("nan") if value is None else value


def _xyz(zyx: Any) -> dict[str, float]:
    return dict(zip("xyz", (round(float(value), 4) for value in reversed(zyx)), strict=True))


def _zyx(location: dict[str, float]) -> list[float]:
    return [float(location[axis]) for axis in "zyx"]
