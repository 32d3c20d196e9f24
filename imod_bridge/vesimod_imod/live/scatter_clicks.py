"""Clicks in closed or open contours, made the scattered points that can become spheres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vesimod_imod.core.object_names import claims_vesicles
from vesimod_imod.live.model_parts import put_together, take_apart
from vesimod_imod.live.point_edits import FLAGS, POINT_LIMIT
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.header import header_of
from vesimod_imod.model.objects import OPEN, SCATTERED, ModelObject, object_chunks, objects_of
from vesimod_imod.sphere_model.clicks import find_outlines
from vesimod_imod.sphere_model.labels import is_membrane


def clicks_in_contours(model: ModFile) -> dict[int, int]:
    """Count the points, by number of the object from 0, that are clicks in contours."""
    z_scale = header_of(model).scale[2] or 1.0
    found = {}
    for number, item in enumerate(objects_of(model)):
        if item.kind == "scattered" or not len(item.points) or not claims_vesicles(item.name):
            continue
        if is_membrane(item):
            continue
        positions = item.points[:, ::-1] * np.array([z_scale, 1.0, 1.0])
        single = int(item.counts.max()) == 1  # a new contour for each click
        if single or find_outlines(item, positions, np.ones(len(positions), bool))[1]:
            found[number] = len(item.points)
    return found


def with_scattered_clicks(model: ModFile) -> tuple[ModFile, list[str]]:
    """Return the model with such objects scattered, each point in a contour of its own.

    Returns
    -------
    model : ModFile
        The same one where there are none.
    remarks : list of str
        What was changed.
    """
    clicks = clicks_in_contours(model)
    if not clicks:
        return model, []
    front, objects, rear = take_apart(model)
    items, remarks = objects_of(model), []
    for number, count in clicks.items():
        item, parts = items[number], objects[number]
        chunks = object_chunks(_one_point_each(item))
        starts = [k for k, (tag, _) in enumerate(chunks) if tag == b"CONT"]
        end = starts[-1] + next(
            k for k, (tag, _) in enumerate(chunks[starts[-1] :]) if tag == b"IMAT"
        )
        ends = [*starts[1:], end]
        parts.contours = [chunks[a:b] for a, b in zip(starts, ends, strict=True)]
        parts.set_in_head(FLAGS, item.flags | SCATTERED | OPEN)
        parts.set_in_head(POINT_LIMIT, 1)
        remarks.append(
            f"object {number + 1} {item.name!r}: {count} clicks in {item.kind} contours made "
            "scattered points"
        )
    return put_together(model, front, objects, rear, contours_moved=True), remarks


def _one_point_each(item: ModelObject) -> ModelObject:
    """Return the object with a contour for each point; a label stays with its first point."""
    filled = item.counts > 0
    first = (np.cumsum(item.counts) - item.counts)[filled]
    labels = np.full(len(item.points), "", dtype=object)
    labels[first] = np.array(item.labels, dtype=object)[filled]
    return replace(
        item,
        counts=np.ones(len(item.points), np.int64),
        surfaces=item.surfaces[item.contour_of_point],
        labels=tuple(labels.tolist()),
    )
