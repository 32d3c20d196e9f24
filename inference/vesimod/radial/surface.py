"""Rays around vesicles, correlated with the membrane's profile, and the way to the best sphere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.radial.climbing import climb
from vesimod.radial.rays import RaySampler, directions
from vesimod.radial.templates import RAY_STEP_NM

SMALLEST_NM = 6.0  # membrane radius that is tried
COARSE = 8  # each 8th direction will do to choose a start
NEWTON_STEPS = 8
LONGEST_STEP_NM = 1.5

Rays = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class Search(ShortRepr):
    """Spheres to try around a start, each centre with each radius.

    Parameters
    ----------
    shifts_nm : (S, 3) float64
        Centres relative to the start.
    radii_nm : (R,) float64
        Radii relative to the start's.
    """

    shifts_nm: FloatArray
    radii_nm: FloatArray


START_ALONE = Search(np.zeros((1, 3)), np.zeros(1))


@dataclass(frozen=True, eq=False, repr=False)
class Surface(ShortRepr):
    """Correlation of rays with the membrane's profile, around B centres.

    Parameters
    ----------
    correlation : (B, K, R) float32
        0 where a ray leaves the volume.
    low_nm : (B,) float64
        Distance of the first of the R values; they are RAY_STEP_NM apart.
    curvature : float
        Minus the second derivative of the template's autocorrelation at its peak.
    every : int
        The K directions are each, each second ... of `directions`.
    """

    correlation: Rays
    low_nm: FloatArray
    curvature: float
    every: int = 1

    @staticmethod
    def read(
        density: RaySampler,
        centres: FloatArray,
        membrane_nm: FloatArray,
        template: FloatArray,
        reach_nm: float,
        every: int = 1,
    ) -> Surface:
        """Read rays to `reach_nm` to either side of the expected membranes."""
        half = len(template) // 2
        count = 2 * int(np.ceil(reach_nm / RAY_STEP_NM)) + 1
        low = np.maximum(membrane_nm - (count // 2) * RAY_STEP_NM, SMALLEST_NM)
        correlation = np.empty((len(centres), len(directions()[::every]), count), np.float32)
        steps = np.arange(-half, count + half) * RAY_STEP_NM
        bank, windows = _sliding(template, count), _sliding(np.ones(len(template)), count)
        for row, centre in enumerate(centres):
            rays = density.rays(centre, np.maximum(low[row] + steps, 0.0), every)
            outside = np.isnan(rays)
            is_cut = outside.any()
            if is_cut:
                rays[outside] = 0.0
            found = np.matmul(rays, bank, out=correlation[row])
            # In padding nothing is seen, not what rounding leaves of a template's zero sum.
            level = rays[:, 0] == rays[:, -1]
            if level.any():
                found[level & (rays == rays[:, :1]).all(axis=1)] = 0.0
            if is_cut:
                found[outside.astype(np.float32) @ windows > 0] = 0.0
        slope = np.gradient(template, RAY_STEP_NM)
        return Surface(correlation, low, float(slope @ slope), every)

    def _place(self, distance_nm: FloatArray) -> FloatArray:
        """Where distances (..., B, K) lie along the rays, in samples, kept off the ends."""
        last = self.correlation.shape[2] - 1
        return np.clip((distance_nm - self.low_nm[:, None]) / RAY_STEP_NM, 1.0, last - 1.001)

    def _flat(self, whole: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Index of sample `whole` (..., B, K) of each ray in the flattened correlation."""
        vesicles, rays, samples = self.correlation.shape
        first = np.arange(vesicles * rays, dtype=np.int64) * samples
        index: npt.NDArray[np.int64] = first.reshape(vesicles, rays) + whole
        return index

    def at(self, distance_nm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Correlation (B, K) and its slope per nm at a distance (B, K) along each ray.

        Cubic (Catmull-Rom): with linear interpolation every sample would be a kink, and a
        sphere that meets all rays at samples would look like a maximum.
        """
        place = self._place(distance_nm)
        whole = place.astype(np.int64)
        t = place - whole
        first, flat = self._flat(whole - 1), self.correlation.ravel()
        p0, p1, p2, p3 = (np.take(flat[step:], first).astype(np.float64) for step in range(4))
        a, b, c = 0.5 * (p3 - p0) + 1.5 * (p1 - p2), p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3, p2 - p0
        value = ((a * t + b) * t + 0.5 * c) * t + p1
        return value, ((3 * a * t + 2 * b) * t + 0.5 * c) / RAY_STEP_NM

    def response(self, shift_nm: FloatArray, radius_nm: FloatArray) -> FloatArray:
        """Correlation (B, K) along each ray where it meets the sphere."""
        return self.at(_distance(shift_nm, radius_nm, self.every)[0])[0]

    def best_trial(self, radius_nm: FloatArray, search: Search) -> tuple[FloatArray, FloatArray]:
        """Choose the best of the spheres to try: its shift and its radius."""
        n = len(radius_nm)
        best = np.full(n, -np.inf)
        best_shift, best_radius = np.zeros((n, 3)), radius_nm.copy()
        few = self._thinned(COARSE // self.every)
        values = few.correlation.ravel()
        radii, every = radius_nm + search.radii_nm[:, None], np.arange(n)
        for shift in search.shifts_nm:
            distance = _distance(shift[None], radii.ravel(), few.every)[0]
            place = few._place(distance.reshape(*radii.shape, -1))
            value = np.take(values, few._flat(np.rint(place).astype(np.int64))).sum(axis=2)
            largest = value.argmax(axis=0)
            better = value[largest, every] > best
            best = np.where(better, value[largest, every], best)
            best_radius = np.where(better, radii[largest, every], best_radius)
            best_shift[better] = shift
        return best_shift, best_radius

    def _thinned(self, every: int) -> Surface:
        """Each `every`-th of the rays."""
        return replace(self, correlation=self.correlation[:, ::every], every=every * self.every)

    def climb(self, shift_nm: FloatArray, radius_nm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Climb from spheres to the nearest maxima."""

        def goodness(sphere: FloatArray) -> tuple[FloatArray, ...]:
            distance, root = _distance(sphere[:, 1:], sphere[:, 0], self.every)
            response, slope = self.at(distance)
            return response.sum(axis=1), slope, root

        start = np.column_stack([radius_nm, shift_nm])
        sphere = climb(start, goodness, self._step, NEWTON_STEPS)
        return sphere[:, 1:], sphere[:, 0]

    def _step(
        self,
        sphere: FloatArray,
        value: FloatArray,
        slope: FloatArray,
        root: FloatArray,
        damping: FloatArray,
    ) -> FloatArray:
        """Gauss-Newton step (B, 4) of radius and shift, at most `LONGEST_STEP_NM`."""
        gradient, normal = _normal_equations(sphere[:, 1:], sphere[:, :1], root, slope, self.every)
        # The curvature that the template would show, at the strength that is seen:
        # always positive definite, unlike the noisy second derivative.
        strength = np.maximum(value / slope.shape[1], 1e-12) * self.curvature
        normal *= strength[:, None, None]
        normal += 1e-3 * np.einsum("bpp->b", normal)[:, None, None] * np.eye(4)
        step: FloatArray = np.linalg.solve(normal, gradient[:, :, None])[:, :, 0] * damping
        length = np.linalg.norm(step, axis=1, keepdims=True)
        step *= np.minimum(1.0, LONGEST_STEP_NM / np.maximum(length, 1e-12))
        return step


def _distance(
    shift_nm: FloatArray, radius_nm: FloatArray, every: int
) -> tuple[FloatArray, FloatArray]:
    """Where rays meet B spheres whose centres are shifted, all alike or each, off their origin.

    Returns
    -------
    (B, K) distances in nm, and (B, K) from the shifted centre's foot point on the ray.
    """
    along = shift_nm @ directions()[::every].T
    squared = radius_nm[:, None] ** 2 - (shift_nm**2).sum(axis=1)[:, None] + along**2
    root = np.sqrt(np.maximum(squared, 1.0))
    return along + root, root


def _normal_equations(
    shift_nm: FloatArray, radius_nm: FloatArray, root: FloatArray, slope: FloatArray, every: int
) -> tuple[FloatArray, FloatArray]:
    """Gradient (B, 4) J'g and matrix (B, 4, 4) J'J by radius and by shift (z, y, x).

    g (B, K) is `slope`, J (B, K, 4) the derivatives of `_distance`: r / root by the radius r (B, 1)
    and w n - s / root by the shift s (B, 3), with the ray's direction n and w = 1 + n s / root.
    All that is needed are sums over rays, much cheaper than J itself.
    """
    n = directions()[::every]
    inverse = 1 / root
    weight = 1 + shift_nm @ n.T * inverse
    first, second = ((inverse * v).sum(axis=1)[:, None] for v in (slope, inverse))
    gradient = np.hstack([radius_nm * first, (weight * slope) @ n - first * shift_nm])
    mixed = (weight * inverse) @ n
    half = (0.5 * second * shift_nm - mixed)[:, :, None] * shift_nm[:, None]
    products = (n[:, :, None] * n[:, None]).reshape(-1, 9)
    normal = np.empty((len(root), 4, 4))
    normal[:, 0, 0] = (second * radius_nm**2)[:, 0]
    normal[:, 0, 1:] = normal[:, 1:, 0] = radius_nm * (mixed - second * shift_nm)
    normal[:, 1:, 1:] = (weight**2 @ products).reshape(-1, 3, 3) + half + half.swapaxes(1, 2)
    return gradient, normal


def _sliding(template: FloatArray, count: int) -> Rays:
    """Matrix (count + len(template) - 1, count) whose columns hold the template, sliding."""
    matrix = np.zeros((count + len(template) - 1, count), np.float32)
    for column in range(count):
        matrix[column : column + len(template), column] = template
    return matrix
