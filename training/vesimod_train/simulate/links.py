"""Connectors and tethers of a simulated synapse, as many as real ones have.

The numbers are those of the population in `vesimod_train.simulate.pool`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import spatial
from scipy.special import expit
from vesimod.connectors.result import CONNECTOR, TETHER
from vesimod_imod.core.short_repr import ShortRepr

from vesimod_train.simulate.membrane_truth import active_zone
from vesimod_train.simulate.shapes import Canvas, Vector, polyline_distance
from vesimod_train.simulate.synapse import PlasmaMembranes

_RADIUS_NM, _DENSITY = 1.8, 0.72
# Of a vesicle: mean of a synapse's, and between synapses. Those with a vesicle in the way are not
# made, and those to vesicles outside of the volume are not counted: 6.0 +- 2.2 are left.
_CONNECTIONS, _CONNECTIONS_SD = 6.3, 2.5
_GAP_NM, _WIDEST_NM = 15.0, 40.0  # connectors across wider gaps are rarer, and there are none
_LEAST_NM = 2.0  # of a gap that anything fits into
_UNEVEN = 5.0  # shape of the gamma distribution of how linked vesicles are: some much, some hardly
_TETHERED_NM = 18.0  # half of the vesicles with membranes at this distance are tethered
_TETHER_NM = 45.0


@dataclass(frozen=True, eq=False, repr=False)
class Link(ShortRepr):
    """A connector or a tether as it was painted.

    Parameters
    ----------
    vesicles : tuple of int
        Numbers, from 1, of the two vesicles that it joins; of one, for a tether.
    ends_nm : (2, 3)
        Where it begins, on the first vesicle, and ends, on the other or on the active zone, from
        the centre of the first voxel.
    """

    vesicles: tuple[int, ...]
    ends_nm: Vector

    @property
    def kind(self) -> str:
        """Its kind as tables of connectors name it."""
        return TETHER if len(self.vesicles) == 1 else CONNECTOR


def add_links(
    canvas: Canvas,
    centres_nm: Vector,
    radii_nm: Vector,
    membranes: PlasmaMembranes,
    rng: np.random.Generator,
) -> tuple[Link, ...]:
    """Paint connectors between vesicles that are near each other, and tethers to the active zone.

    Parameters
    ----------
    canvas : Canvas
        With the vesicles and the membranes.
    centres_nm, radii_nm : (N, 3) and (N,)
        Of the vesicles.
    membranes : PlasmaMembranes
    rng : Generator
    """
    if not len(radii_nm):
        return ()
    links = _connectors(centres_nm, radii_nm, rng)
    zone = np.argwhere(active_zone(membranes, canvas.size_nm)).astype(float) * canvas.size_nm
    if len(zone):
        links += _tethers(centres_nm, radii_nm, zone, rng)
    free = [link for link in links if _is_free(link, centres_nm, radii_nm)]
    for link in free:
        _paint(canvas, link.ends_nm)
    return tuple(free)


def _connectors(centres: Vector, radii: Vector, rng: np.random.Generator) -> list[Link]:
    """Draw connectors: more across narrow gaps, and several between two vesicles."""
    reach = 2 * radii.max() + _WIDEST_NM
    pairs = spatial.cKDTree(centres).query_pairs(reach, output_type="ndarray")
    gaps = np.linalg.norm(np.subtract(*centres[pairs.T]), axis=1) - radii[pairs].sum(axis=1)
    near = (gaps > _LEAST_NM) & (gaps < _WIDEST_NM)
    pairs, gaps = pairs[near], gaps[near]
    if not len(pairs):
        return []
    sociable = rng.gamma(_UNEVEN, size=len(radii))
    likely = sociable[pairs].prod(axis=1) * np.exp(-gaps / _GAP_NM)
    mean = max(rng.normal(_CONNECTIONS, _CONNECTIONS_SD), 2.0)
    counts = rng.multinomial(int(mean * len(radii) / 2), likely / likely.sum())
    found = []
    for first, second in np.repeat(pairs, counts, axis=0):
        way = centres[second] - centres[first]
        way /= np.linalg.norm(way)
        start = centres[first] + radii[first] * _askew(way, rng)
        end = centres[second] + radii[second] * _askew(-way, rng)
        found.append(Link((int(first) + 1, int(second) + 1), np.array([start, end])))
    return found


def _tethers(centres: Vector, radii: Vector, zone: Vector, rng: np.random.Generator) -> list[Link]:
    """Draw tethers: nearly all vesicles that all but touch the active zone have several."""
    tree = spatial.cKDTree(zone)
    away = tree.query(centres)[0] - radii
    found = []
    for vesicle in np.flatnonzero((away > 0) & (away < _TETHER_NM)):
        gap = away[vesicle]
        if rng.random() > expit((_TETHERED_NM - gap) / 2.5):
            continue
        feet = tree.query_ball_point(centres[vesicle], radii[vesicle] + gap + 8.0)
        for _ in range(1 + rng.poisson(5.0 * np.exp(-gap / 8.5))):
            foot = zone[rng.choice(feet)]
            way = (foot - centres[vesicle]) / np.linalg.norm(foot - centres[vesicle])
            start = centres[vesicle] + radii[vesicle] * _askew(way, rng)
            found.append(Link((int(vesicle) + 1,), np.array([start, foot])))
    return found


def _askew(way: Vector, rng: np.random.Generator) -> Vector:
    """Turn a direction by 20 degrees or so, each time another way."""
    turned = way + 0.25 * rng.normal(size=3)
    return np.asarray(turned / np.linalg.norm(turned))


def _is_free(link: Link, centres: Vector, radii: Vector) -> bool:
    """Whether no third vesicle is in the way."""
    start, end = link.ends_nm
    steps = start + np.linspace(0, 1, 5)[:, None] * (end - start)
    inside = np.linalg.norm(steps[:, None] - centres, axis=2) < radii + 1.0
    inside[:, np.array(link.vesicles) - 1] = False
    return not inside.any()


def _paint(canvas: Canvas, ends: Vector) -> None:
    middle = ends.mean(axis=0)
    found = canvas.box(middle, 0.5 * float(np.linalg.norm(ends[1] - ends[0])) + _RADIUS_NM + 4.0)
    if found is None:
        return
    box, offset = found
    rod = _DENSITY * expit((_RADIUS_NM - polyline_distance(offset, ends - middle)) / 0.7)
    # Where rods cross they are no denser than one.
    canvas.density[box] = np.maximum(canvas.density[box], rod)
