"""Tomogram and model in, a cell's outline and a proposal of its active zone out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres

from vesimod.io.tomogram import Tomogram
from vesimod.membranes.facing import zone_guide
from vesimod.membranes.proposal import MembraneMaps, outline_guide
from vesimod.membranes.trace import Membrane
from vesimod.membranes.trace_model import Key, TracedObject, doubts_about, trace_model
from vesimod.network.model import Model
from vesimod.network.spec_values import MEMBRANE_OUTPUTS
from vesimod.pipeline import network_maps
from vesimod.settings import SearchSettings

MODEL = "outline"
#: How far from what the network says the dark membrane is sought: a voxel or two of its own.
REACH_NM = 15.0
_HARDLY_SEEN = 0.4  # of an outline
NO_ZONE = "no active zone was found: no membrane faces that of the cell, across 10 to 35 nm"


@dataclass(frozen=True, eq=False, repr=False)
class Outlined(ShortRepr):
    """What was found of a cell's membrane.

    Parameters
    ----------
    objects : tuple of TracedObject
        The outline, and the active zone if there is one.
    notes : tuple of str
        What may be wrong.
    """

    objects: tuple[TracedObject, ...]
    notes: tuple[str, ...]


def outline_cell(
    tomogram: Tomogram,
    model: Model,
    vesicles: Spheres | None = None,
    *,
    invert: bool = False,
    earlier: Sequence[Drawing] = (),
    written: Mapping[Key, Sequence[int]] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Outlined:
    """Outline the cell that holds the vesicles, and propose its active zone.

    A network says where it is; along what it says, the surface on the dark membrane is traced.

    Parameters
    ----------
    tomogram : Tomogram
    model : Model
        One that tells membranes.
    vesicles : Spheres, optional
        In voxels of the tomogram: they say which cell is meant, and where several touch its
        membrane is an active zone, too.
    invert : bool
        Membranes are bright.
    earlier, written
        A result that is replaced: see `vesimod.membranes.trace_model.trace_model`.
    progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    NoSurfaceError
        There is no cell in the tomogram, as far as the network sees.
    """
    maps = membrane_maps(tomogram, model, invert=invert, progress=progress)
    guide, notes = outline_guide(maps, tomogram.grid, vesicles)

    def traced(drawing: Drawing) -> list[TracedObject]:
        return trace_model(
            tomogram.grey,
            tomogram.grid,
            [drawing],
            earlier=earlier,
            written=written,
            reach_nm=REACH_NM,
            invert=invert,
        )

    objects = traced(guide)
    outline = objects[0].membrane
    notes += _hardly_seen(outline)
    zone = zone_guide(outline, maps, tomogram.grid, vesicles)
    if zone.contours:
        objects += traced(zone)
    else:
        notes.append(NO_ZONE if vesicles is None else f"{NO_ZONE}, and no vesicles touch it")
    return Outlined(tuple(objects), (*notes, *doubts_about(objects)))


def _hardly_seen(outline: Membrane) -> list[str]:
    """Say that most of an outline is the network's guess, unless it follows the border anyway."""
    if outline.seen_fraction >= _HARDLY_SEEN or all(s.border.all() for s in outline.sheets):
        return []
    return [
        f"a membrane was seen on {100 * outline.seen_fraction:.0f} % of the outline only: the "
        "rest is where the network believes it to be"
    ]


def membrane_maps(
    tomogram: Tomogram,
    model: Model,
    *,
    invert: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> MembraneMaps:
    """Ask a network where membranes are and where the inside of the cell is."""
    settings = SearchSettings(invert=invert)
    found = network_maps(
        tomogram, model, settings, scale=1, outputs=MEMBRANE_OUTPUTS, progress=progress
    )
    return MembraneMaps(found["membrane"], found["cytoplasm"], model.spec.voxel_size_nm)
