"""From a mask to single vesicles: connected components, then split where they touch."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, spatial
from vesimod_imod.core.arrays import BoolArray, IntArray, Labels, Triple, Volume

from vesimod.vesicles.watershed import FULL, watershed

NECK_DEPTH = 0.15  # two maxima are two vesicles when the way between narrows by this share
MIN_SEED_NM = 4.0  # deepest point of a mask that can hold a vesicle
SMOOTHING_NM = 2.0  # of the depth map; far below any vesicle radius


def split_instances(mask: BoolArray, voxel_size_nm: Triple, depth_nm: Volume | None) -> Labels:
    """Label single vesicles in a mask.

    Each connected component is cut along the watershed of its depth (distance to the
    background) into as many parts as the depth has maxima with a neck between them. A
    sphere has one maximum, so one vesicle is never cut, whatever the orientation of a pair.

    Parameters
    ----------
    mask : (z, y, x) bool
        Voxels inside vesicles.
    voxel_size_nm : (float, float, float)
        Of the mask.
    depth_nm : (z, y, x) float32, optional
        Signed distance to the vesicle surface in nm, positive inside, where the network
        predicts it; else it is computed from the mask.

    Returns
    -------
    (z, y, x) int32
        0 outside, 1..N, in the order of the components' first voxels.
    """
    labels = np.empty(mask.shape, np.int32)
    ndimage.label(mask, FULL, output=labels)
    count = 0
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        inside = labels[box] == number
        depth = _depth(inside, None if depth_nm is None else depth_nm[box], voxel_size_nm)
        seeds = _seeds(depth, inside, voxel_size_nm)
        parts = inside.astype(np.int32)
        if len(seeds) > 1:
            parts = watershed(depth, inside, seeds)
        # Negative for now: one array holds what is done and what is still to do.
        labels[box][inside] = -(parts[inside] + count) * (len(seeds) > 0)
        count += len(seeds)
    np.negative(labels, out=labels)
    return labels


def _depth(inside: BoolArray, depth_nm: Volume | None, voxel_size_nm: Triple) -> Volume:
    """Smoothed depth below the surface in nm over the box of one component."""
    # The margin keeps the box's own faces from counting as inside of the vesicle.
    depth = np.zeros([n + 2 for n in inside.shape], np.float32)
    core = (slice(1, -1),) * 3
    if depth_nm is None:
        depth[core] = inside
        depth[:] = ndimage.distance_transform_edt(depth, sampling=voxel_size_nm)
    else:
        np.copyto(depth[core], depth_nm, where=inside)
    sigma = [SMOOTHING_NM / size for size in voxel_size_nm]
    smooth: Volume = ndimage.gaussian_filter(depth, sigma, mode="nearest")[core]
    return np.where(inside, smooth, np.float32(0))


def _seeds(depth: Volume, inside: BoolArray, voxel_size_nm: Triple) -> IntArray:
    """Maxima (N, 3) of the depth that belong to different vesicles, deepest first."""
    top = (depth == ndimage.maximum_filter(depth, footprint=FULL)) & inside
    points = np.argwhere(top & (depth >= min(MIN_SEED_NM, float(depth.max()))))
    if len(points) < 2:
        return points.astype(np.int64)
    heights = depth[tuple(points.T)]
    order = np.lexsort((*points.T[::-1], -heights))
    points, heights = points[order], heights[order].astype(np.float64)
    scale = np.asarray(voxel_size_nm)
    # A maximum is a seed unless a deeper seed sees it without a neck in between.
    tree = spatial.cKDTree(points * scale)
    kept = np.ones(len(points), bool)
    for i in range(len(points)):
        if not kept[i]:
            continue
        near = tree.query_ball_point(points[i] * scale, 4 * heights[i])
        rivals = np.array([j for j in near if j > i and kept[j]], np.int64)
        if len(rivals) == 0:
            continue
        steps = np.linspace(0, 1, 17)[1:-1, None, None]
        way = points[i] * (1 - steps) + points[rivals] * steps
        along = ndimage.map_coordinates(depth, way.reshape(-1, 3).T, order=1).reshape(15, -1)
        narrow = along.min(axis=0)
        kept[rivals[narrow > (1 - NECK_DEPTH) * heights[rivals]]] = False
    return points[kept].astype(np.int64)
