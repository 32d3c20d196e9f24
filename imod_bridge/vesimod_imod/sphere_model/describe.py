"""A model in words, for people who wonder what a file holds."""

from __future__ import annotations

from collections import Counter

import numpy as np

from vesimod_imod.core.object_names import claims_vesicles
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.header import (
    FLIPPED_YZ,
    ORIGIN_VALID,
    TILT_VALID,
    Z_FROM_MINUS_HALF,
    header_of,
    image_reference_of,
)
from vesimod_imod.model.objects import ModelObject, objects_of
from vesimod_imod.sphere_model.in_few_lines import MOST, listed
from vesimod_imod.sphere_model.read import SphereReading, spheres_of

MOST_OBJECTS = 100  # that are listed
_FLAGS = {
    Z_FROM_MINUS_HALF: "z counted from -0.5",
    ORIGIN_VALID: "image origin stored",
    TILT_VALID: "tilt angles stored",
    FLIPPED_YZ: "last saved with y and z exchanged (3dmod -Y)",
}
_TYPED = (b"OBJT", b"CONT", b"LABL", b"SIZE", b"COST", b"MINX")
_MEANING = {
    "IMAT": "materials",
    "MESH": "meshes",
    "VIEW": "views",
    "SLAN": "slicer angles",
    "OBST": "general values of objects",
    "MOST": "general values of the model",
    "MEPA": "meshing parameters",
    "CLIP": "clipping planes",
    "MCLP": "clipping planes of the model",
    "OGRP": "object groups",
    "OLBL": "labels of surfaces",
}


def describe(model: ModFile) -> list[str]:
    """Lines that tell what a model holds, and what `spheres_of` makes of it."""
    header, reference = header_of(model), image_reference_of(model)
    pixel = header.pixel_size_nm
    lines = [
        f"{model.path}: IMOD model {header.name!r}, {len(model.chunks)} chunks",
        "image      {} x {} x {} voxels".format(*header.size),
        f"pixel size {f'{pixel:g} nm' if pixel else 'not stated'}",
        f"flags      {'; '.join(t for bit, t in _FLAGS.items() if header.flags & bit) or 'none'}",
    ]
    if header.scale[2] != 1:
        lines.append(f"z scale    {header.scale[2]:g}")
    if reference is None:
        lines.append("made on    an image that it does not name (no MINX)")
    else:
        size = " x ".join(f"{side:g}" for side in reference.scale)
        origin = ", ".join(f"{side:g}" for side in reference.translation)
        tilt = ", ".join(f"{angle:g}" for angle in reference.rotation)
        lines += [
            f"made on    an image of {size} Angstrom a voxel",
            f"           origin {origin} Angstrom (IMOD's sign), tilt {tilt} degrees",
        ]
    lines += _objects_in_lines(objects_of(model))
    counts = Counter(tag.decode("latin-1") for tag, _ in model.chunks if tag not in _TYPED)
    for tag, count in counts.items():
        lines.append(f"kept as is {count} {tag} ({_MEANING.get(tag, 'unknown')})")
    return [*lines, *_sphere_lines(spheres_of(model))]


def _objects_in_lines(objects: list[ModelObject]) -> list[str]:
    """Lines about each object; of very many, about the first that hold something."""
    numbered = list(enumerate(objects, 1))
    empty = [number for number, item in numbered if not len(item.counts)]
    if len(empty) > MOST:
        numbered = [(number, item) for number, item in numbered if len(item.counts)]
    shown, others = numbered[:MOST_OBJECTS], numbered[MOST_OBJECTS:]
    lines = [line for number, item in shown for line in _object_lines(number, item)]
    if others:
        points = sum(len(item.points) for _, item in others)
        lines.append(f"           ... and {len(others)} more objects with {points} points")
    if len(empty) > MOST:
        lines.append(f"objects    {listed(empty)}: without contours")
    return lines


def _object_lines(number: int, item: ModelObject) -> list[str]:
    colour = ", ".join(f"{part:.2g}" for part in item.colour)
    lines = [
        f"object {number}   {item.name!r}: {item.kind}, {len(item.counts)} contours, "
        f"{len(item.points)} points, colour {colour}",
        f"           sphere radius {item.default_radius} pixels by default, "
        f"{np.count_nonzero(item.sizes >= 0)} points with a size of their own",
    ]
    if item.points_per_contour:
        lines[1] += f", at most {item.points_per_contour} points a contour"
    extra = []
    if labels := [label for label in item.labels if label]:
        extra.append(f"{len(labels)} labels (first: {labels[0]!r})")
    known = item.values[np.isfinite(item.values)]
    if len(known):
        extra.append(f"{len(known)} values from {known.min():g} to {known.max():g}")
    if empty := np.count_nonzero(item.counts == 0):
        extra.append(f"{empty} empty contours")
    if item.mesh_count:
        extra.append(f"{item.mesh_count} meshes")
    return [*lines, f"           {', '.join(extra)}"] if extra else lines


def _sphere_lines(whole: SphereReading) -> list[str]:
    reading = whole.vesicles()
    spheres = reading.spheres
    sources = Counter(reading.radius_source.tolist())
    how = ", ".join(f"{count} {source}" for source, count in sorted(sources.items()))
    lines = [f"spheres    {len(spheres)}{f'; radii: {how}' if how else ''}"]
    known = spheres.radii_nm[np.isfinite(spheres.radii_nm)]
    if len(known):
        lines.append(
            f"           radius {known.min():.2f} to {known.max():.2f} nm, median "
            f"{np.median(known):.2f} nm"
        )
    lines.append(f"           {int(reading.labelled.sum())} with an id on their contour's label")
    left_out = [name for name in whole.names.tolist() if not claims_vesicles(name)]
    named = Counter(left_out).most_common()
    lines += [
        f"           {count} more in {name!r}, not counted as vesicles"
        for name, count in named[:MOST]
    ]
    if len(named) > MOST:
        count = sum(count for _, count in named[MOST:])
        lines.append(f"           {count} more in {len(named) - MOST} other objects, not counted")
    if len(reading.emptied_ids):
        ids = listed(reading.emptied_ids.tolist())
        lines.append(f"           deleted, but their labels remain: {ids}")
    return lines + [f"WARNING: {warning}" for warning in reading.warnings]
