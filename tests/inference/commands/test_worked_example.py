"""The worked example of docs/worked-example.md, on the synapse of the demo whose truth is known."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from vesimod.cli import app, run_app
from vesimod.io.csv_table import read_table
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.measure.agreement import match_found
from vesimod_imod.core.spheres import Spheres

pytestmark = pytest.mark.slow
DEMO = Path(str(resources.files("vesimod"))) / "demo"
SIZE_NM = (2.2, 2.2, 2.2)
DOCKED = "docked: membrane_az_nm < 20"
STEPS = (
    "membrane s.mrc guide.mod -o az_outline.mod",
    "segment s.mrc -o v.mod --region az_outline.mod",
    "connect s.mrc v.mod -o c.mod --active-zone az_outline.mod --region az_outline.mod",
    "measure s.mrc v.mod -o steps.csv --active-zone az_outline.mod --outline az_outline.mod "
    "--connectors c.csv",
)
ALL_IN_ONE = "synapse s.mrc -o one --active-zone guide.mod --outline guide.mod"


def run(folder: Path, line: str, *further: str) -> None:
    words = [str(folder / w) if "." in w or w == "one" else w for w in line.split()]
    assert run_app(app, "vesimod", [*words, *further, "-q"]) == 0


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All steps, one after the other, and all of them in one."""
    pytest.importorskip("onnxruntime", reason="the network needs it: pip install 'vesimod[cpu]'")
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(DEMO / "synapse.mrc", folder / "s.mrc")
    shutil.copy(DEMO / "synapse_guide.mod", folder / "guide.mod")
    for line in STEPS[:-1]:
        run(folder, line)
    run(folder, STEPS[-1], "--pool", DOCKED)
    run(folder, ALL_IN_ONE, "--pool", DOCKED)
    return folder


def matched(folder: Path, table: str = "steps.csv") -> tuple[Spheres, Spheres]:
    """Vesicles that were found and are true: as they were measured, and as they are."""
    found = read_spheres_csv(folder / table)
    truth = read_spheres_csv(DEMO / "synapse_truth.csv")
    rows, columns, _ = match_found(found, truth, SIZE_NM)
    assert len(rows) >= 0.9 * len(truth)
    assert len(rows) >= 0.9 * len(found)
    return found.select(rows), truth.select(columns)


def test_distances_to_the_true_active_zone(example: Path) -> None:
    """From the vesicles that were found: within 2 nm of those from the true ones."""
    shutil.copy(DEMO / "synapse_truth_az.mod", example / "true.mod")
    run(example, "measure s.mrc v.mod -o exact.csv --active-zone true.mod")
    found, truth = matched(example, "exact.csv")
    assert np.abs(found["az_nm"] - truth["az_nm"]).max() < 2
    assert np.abs(found["membrane_az_nm"] - truth["membrane_az_nm"]).max() < 2


def test_distances_to_the_active_zone_along_a_guide(example: Path) -> None:
    """Where the missing wedge hides it, in the first and the last sections, it is off."""
    found, truth = matched(example)
    off = np.abs(found["az_nm"] - truth["az_nm"])
    assert np.median(off) < 1.5
    assert off[truth["membrane_az_nm"] < 45].max() < 5


def test_docked_vesicles_are_those_that_dock(example: Path) -> None:
    found, truth = matched(example)
    docked = truth["membrane_az_nm"] < 20
    assert docked.sum() >= 4
    clear = np.abs(truth["membrane_az_nm"] - 20) > 4
    np.testing.assert_array_equal(found["docked"][clear] > 0, docked[clear])
    assert (found["pool"][docked & clear] == "0-45 nm").all()


def test_counts_of_connectors_and_tethers_are_lower_bounds(example: Path) -> None:
    found, truth = matched(example)
    for kind in ("connectors", "tethers"):
        assert 0 < found[kind].sum() <= truth[kind].sum(), kind
    # Most of the pairs that are linked are linked in truth, too.
    partners = {
        int(i): set(str(ids).split()) for i, ids in zip(truth.ids, truth["linked_ids"], strict=True)
    }
    name = dict(zip(found.ids.tolist(), truth.ids.tolist(), strict=True))
    seen = [
        str(name[int(other)]) in partners[name[int(one)]]
        for one, ids in zip(found.ids, found["linked_ids"], strict=True)
        for other in str(ids).split()
        if int(other) in name
    ]
    assert np.mean(seen) > 0.5


def test_all_in_one_measures_the_same(example: Path) -> None:
    steps, one = read_table(example / "steps.csv"), read_table(example / "one" / "s_measured.csv")
    assert one.rows == steps.rows
    summaries = [example / "steps_summary.csv", example / "one" / "s_measured_summary.csv"]
    assert read_table(summaries[0]).rows == read_table(summaries[1]).rows
    for name in ("s_membranes.mod", "s_vesicles.mod", "s_connectors.csv"):
        assert (example / "one" / name).exists()
