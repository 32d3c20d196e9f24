"""However a tomogram is cut, and whatever memory there is, the vesicles are the same."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted import image, paint, scatter
from scipy.spatial.distance import cdist
from vesimod.io.tomogram import Tomogram, read_tomogram, write_volume
from vesimod.network import memory, wanted
from vesimod.network.memory import default_memory_gb, free_memory_gb
from vesimod.network.model import Model, load_model
from vesimod.network.resample import resampled_shape
from vesimod.pipeline import find_in_maps, maps_of_scales, network_maps, segment
from vesimod.runs.outputs import Outputs, Settings
from vesimod.runs.segment_file import prepare, segment_and_write
from vesimod.runs.slabs import SlabError, join_slabs, slab_file, write_slab
from vesimod.settings import SearchSettings
from vesimod_imod.core.spheres import Grid, Spheres

pytestmark = pytest.mark.slow

GRID = Grid((70, 120, 300), (3.0, 3.0, 3.0))


@pytest.fixture(scope="module")
def tomogram(tmp_path_factory: pytest.TempPathFactory) -> Tomogram:
    """Vesicles in noise; larger than the shipped network's field of view."""
    path = tmp_path_factory.mktemp("slabs") / "TS_01.mrc"
    centres, radii = scatter(GRID.shape, GRID.voxel_size_nm, 80)
    volume = image(paint(GRID.shape, GRID.voxel_size_nm, centres, radii), GRID.voxel_size_nm, snr=1)
    write_volume(path, volume.astype(np.float32), GRID)
    return read_tomogram(path)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("fast", device="cpu", threads=1)


@pytest.fixture(scope="module")
def whole(tomogram: Tomogram, model: Model) -> Spheres:
    spheres = segment(tomogram, model).spheres
    assert len(spheres) >= 20
    return spheres


def assert_same(spheres: Spheres, whole: Spheres) -> None:
    assert len(spheres) == len(whole)
    np.testing.assert_allclose(spheres.centres, whole.centres, atol=0.01)
    np.testing.assert_allclose(spheres.radii_nm / 3.0, whole.radii_nm / 3.0, atol=0.01)


@given(st.integers(1, 12), st.integers(1, 2), st.floats(0.5, 4.0))
@settings(max_examples=6, deadline=None)
def test_slabs_threads_and_memory_change_nothing(
    tomogram: Tomogram, whole: Spheres, slabs: int, threads: int, memory_gb: float
) -> None:
    model = load_model("fast", device="cpu", threads=threads, memory_gb=memory_gb)
    last = resampled_shape(GRID.shape, GRID.voxel_size_nm, (4.4,) * 3)[0]
    edges = [last * i // slabs for i in range(slabs + 1)]
    parts = [network_maps(tomogram, model, rows=rows) for rows in pairwise(edges)]
    finest = {name: sum(part[name] for part in parts) for name in model.spec.outputs}
    maps = maps_of_scales(tomogram, model, finest=finest)
    assert_same(find_in_maps(tomogram, maps, model.spec).spheres, whole)


def test_tiny_tiles_and_temporary_files_change_nothing(
    tomogram: Tomogram, model: Model, whole: Spheres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ARRAYS_SHARE", 0.0)  # nothing fits: whole volumes go to files
    shapes = []

    def run(rows: np.ndarray, first: bool, last: bool) -> list[np.ndarray]:
        shapes.append(rows.shape)
        return model.run(rows, first, last)

    hungry = replace(model, spec=replace(model.spec, bytes_per_voxel=5000), run=run, memory_gb=0.5)
    assert_same(segment(tomogram, hungry).spheres, whole)
    assert len(shapes) > 4


def test_where_memory_runs_out_tiles_are_halved(
    tomogram: Tomogram, model: Model, whole: Spheres
) -> None:
    sizes = []

    def run(rows: np.ndarray, first: bool, last: bool) -> list[np.ndarray]:
        sizes.append(rows[:, 0].size)
        if last and sizes[-1] > 8_000:  # not the first strip: what it gave is computed again
            raise RuntimeError("[ONNXRuntimeError] : 6 : bad allocation")
        return model.run(rows, first, last)

    assert_same(segment(tomogram, replace(model, run=run)).spheres, whole)
    assert max(sizes) > 8_000 > sizes[-1]


def test_memory_that_never_suffices_and_other_errors_are_reported(
    tomogram: Tomogram, model: Model
) -> None:
    def never(_rows: np.ndarray, _first: bool, _last: bool) -> list[np.ndarray]:
        raise MemoryError

    def broken(_rows: np.ndarray, _first: bool, _last: bool) -> list[np.ndarray]:
        raise RuntimeError("kernel not found")

    with pytest.raises(MemoryError):
        segment(tomogram, replace(model, run=never))
    with pytest.raises(RuntimeError, match="kernel not found"):
        segment(tomogram, replace(model, run=broken))


def test_a_region_gives_the_same_whatever_the_tiles_and_slabs(
    tomogram: Tomogram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two corners: one tile covers them and all between, many leave out what is far from both.
    # How much of the map is there differs; nothing may hang on that.
    monkeypatch.setattr(wanted, "REGION_MARGIN_NM", 60.0)
    region = np.zeros(GRID.shape, bool)
    region[:, :30, :30] = region[:, -30:, -30:] = True
    model = load_model("fast", device="cpu", threads=1, memory_gb=4.0)
    expected = segment(tomogram, model, region=region)
    few = replace(model, spec=replace(model.spec, bytes_per_voxel=5000), memory_gb=0.5)
    search = SearchSettings(region=region)
    for number in (1, 2):
        write_slab(tomogram, tmp_path / "TS_01.mod", few, number, 2, search)
    finest = join_slabs(tomogram, tmp_path / "TS_01.mod", few, 2, search)
    maps = maps_of_scales(tomogram, few, search, finest=finest)
    assert (finest["probability"] > 0.5).sum() < (expected.probability > 0.5).sum()
    found = find_in_maps(tomogram, maps, model.spec, search)
    assert len(expected.spheres) >= 3
    assert found.threshold == expected.threshold
    assert_same(found.spheres, expected.spheres)


def test_a_region_saves_work_and_changes_nothing_within(tomogram: Tomogram, model: Model) -> None:
    region = np.zeros(GRID.shape, bool)
    region[:, :, :80] = True
    everything = segment(tomogram, model, threshold=0.5)
    found = segment(tomogram, model, threshold=0.5, region=region)
    beyond = int(80 * 3.0 / found.model_voxel_size_nm) + 1
    np.testing.assert_array_equal(
        found.probability[..., :beyond], everything.probability[..., :beyond]
    )
    assert everything.probability[..., -5:].max() > 0.5
    assert (found.probability[..., -5:] == 0).all()
    inside = np.rint(everything.spheres.centres[:, 2]) < 80
    expected, spheres = everything.spheres.select(inside), found.spheres
    assert len(spheres) == len(expected) >= 5
    assert not inside.all()
    # The membrane's profile is learned from fewer vesicles, which changes radii by 0.02 nm.
    nearest = cdist(expected.centres, spheres.centres).argmin(axis=1)
    assert len(set(nearest)) == len(expected)
    same = spheres.select(nearest)
    np.testing.assert_allclose(3.0 * same.centres, 3.0 * expected.centres, atol=0.01)
    np.testing.assert_allclose(same.radii_nm, expected.radii_nm, atol=0.03)


def test_tiles_far_from_a_region_are_left_out(
    tomogram: Tomogram, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two corners: the box around them is the whole volume.
    monkeypatch.setattr(wanted, "REGION_MARGIN_NM", 10.0)
    spec = replace(model.spec, bytes_per_voxel=5000)
    region = np.zeros(GRID.shape, bool)
    region[:, :20, :20] = region[:, -20:, -20:] = True
    counts = {}

    def maps(where: np.ndarray | None) -> np.ndarray:
        def run(rows: np.ndarray, first: bool, last: bool) -> list[np.ndarray]:
            counts[where is None] = counts.get(where is None, 0) + 1
            return model.run(rows, first, last)

        few = replace(model, spec=spec, run=run, memory_gb=0.5)
        return network_maps(tomogram, few, SearchSettings(region=where))["probability"]

    some, everything = maps(region), maps(None)
    assert counts[False] < counts[True]
    for corner in (np.s_[:, :14, :14], np.s_[:, -14:, -14:]):
        np.testing.assert_allclose(some[corner], everything[corner], atol=1e-4)


def test_memory_between_tomograms_is_given_back(model: Model) -> None:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("Linux only: memory is read from /proc")
    if "OpenVINOExecutionProvider" in model.providers:
        pytest.skip("OpenVINO keeps its memory")

    def anonymous_mb() -> float:
        line = next(line for line in status.read_text().splitlines() if "RssAnon" in line)
        return int(line.split()[1]) / 1024

    tile = np.random.default_rng(0).normal(size=(96, 96, 96)).astype(np.float32)
    model.run(tile, True, True)
    kept = anonymous_mb()
    model.release()
    assert anonymous_mb() < kept - 100


PEAK = """
import sys
from pathlib import Path
import numpy as np
from vesimod.network.model import load_model

def peak_gb():  # not getrusage, which counts what the parent process had
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9

name, memory_gb = sys.argv[1], float(sys.argv[2])
shape = tuple(int(n) for n in sys.argv[3:])
model = load_model(name, device="cpu", threads=1)
volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
results = [np.ones(shape, np.float32) for _ in model.spec.outputs]
before = peak_gb()
model.predict(volume, memory_gb=memory_gb, results=results)
print(len(model.plan(shape, memory_gb)), peak_gb() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is measured on Linux")
@pytest.mark.parametrize(
    ("name", "memory_gb", "shape", "tiles"),
    [
        ("fast", 0.25, (64, 64, 280), 2),
        ("fast", 0.4, (100, 64, 200), 1),
        ("accurate", 0.4, (60, 64, 200), 1),
    ],
)
def test_the_network_keeps_to_its_memory(
    name: str, memory_gb: float, shape: tuple[int, int, int], tiles: int
) -> None:
    words = [name, str(memory_gb), *map(str, shape)]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *words], capture_output=True, text=True, check=True
    )
    count, used_gb = done.stdout.split()
    assert int(count) == tiles
    assert 0.5 * memory_gb < float(used_gb) < 1.1 * memory_gb


def test_slab_files_are_joined_and_removed(
    tomogram: Tomogram, model: Model, whole: Spheres, tmp_path: Path
) -> None:
    outputs, how = Outputs(tmp_path / "TS_01.mod"), Settings()
    for number in (2, 1, 3):
        write_slab(tomogram, outputs.model, model, number, 3)
    prepared = prepare(tomogram.path, outputs, how, overwrite=False)
    result = segment_and_write(prepared, outputs, how, model, slabs=3)
    assert_same(result.spheres, whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "TS_01.mod",
        "TS_01.mod.json",
    ]


def test_wrong_slabs_are_refused(tomogram: Tomogram, model: Model, tmp_path: Path) -> None:
    output = tmp_path / "TS_01.mod"
    with pytest.raises(SlabError, match="run slab 1 of 2 first"):
        join_slabs(tomogram, output, model, 2)
    for number in (1, 2):
        write_slab(tomogram, output, model, number, 2)
    with pytest.raises(SlabError, match="another tomogram, network, contrast or region"):
        join_slabs(tomogram, output, model, 2, SearchSettings(invert=True))
    with pytest.raises(SlabError, match="contrast or region"):
        join_slabs(tomogram, output, model, 2, SearchSettings(region=np.ones(GRID.shape, bool)))
    slab_file(output, 2, 2).write_bytes(slab_file(output, 2, 2).read_bytes()[:1000])
    with pytest.raises(SlabError, match=r"slab-002-of-002.*unreadable"):
        join_slabs(tomogram, output, model, 2)
    with pytest.raises(SlabError, match="numbered from 1 to 2"):
        write_slab(tomogram, output, model, 3, 2)
    with pytest.raises(SlabError, match="use fewer"):
        write_slab(tomogram, output, model, 1, 100)


def test_memory_is_a_share_of_what_is_free() -> None:
    free = free_memory_gb()
    assert 0 < free < 1e5
    assert 0.5 <= default_memory_gb() <= max(0.5, 0.3 * free)
