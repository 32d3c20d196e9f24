"""One reader for vesicles from any file."""

from __future__ import annotations

import numpy as np
import pytest
from vesimod.io.label_volume import paint_spheres
from vesimod.io.read_spheres import read_spheres
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.object_names import NEW, NOT_VESICLES, REJECTED, UNCERTAIN, VESICLES
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import SphereObject, write_sphere_objects

GRID = Grid((40, 60, 60), (2.0, 2.0, 2.0))
SPHERES = Spheres([[20, 30, 15], [20, 30, 45]], [16.0, 20.0], ids=[3, 8])


def written(folder, kind):
    path = folder / f"region{kind}"  # the file's own name says nothing about its contents
    if kind == ".csv":
        write_spheres_csv(path, SPHERES)
    elif kind == ".mrc":
        write_volume(path, paint_spheres(SPHERES, GRID), GRID)
    else:
        write_sphere_objects(path, [SphereObject(VESICLES, SPHERES)], GRID)
    return path


@pytest.mark.parametrize("kind", [".mod", ".csv", ".mrc", ".MOD", ".bak"])
def test_all_files_hold_the_same_vesicles(tmp_path, kind: str) -> None:
    reading = read_spheres(written(tmp_path, kind), GRID)
    np.testing.assert_array_equal(reading.spheres.ids, SPHERES.ids)
    np.testing.assert_allclose(reading.spheres.centres, SPHERES.centres, atol=0.01)
    np.testing.assert_allclose(reading.spheres.radii_nm, SPHERES.radii_nm, atol=0.3)
    assert reading.labelled.all()
    assert set(reading.radius_source) == {"explicit"}
    assert (reading.grid.shape, reading.grid.voxel_size_nm) == (GRID.shape, GRID.voxel_size_nm)
    assert len(reading.vesicles().spheres) == 2


@pytest.mark.parametrize(("kind", "known"), [(".mod", True), (".csv", False), (".mrc", True)])
def test_who_states_a_voxel_size(tmp_path, kind: str, known: bool) -> None:
    reading = read_spheres(written(tmp_path, kind))
    assert reading.voxel_size_known == known
    assert not known or reading.grid.voxel_size_nm == pytest.approx(GRID.voxel_size_nm)


def test_only_what_claims_vesicles_is_read(tmp_path) -> None:
    names = [VESICLES, NEW, UNCERTAIN, NOT_VESICLES, REJECTED, "reviewed 2"]
    objects = [
        SphereObject(name, Spheres([[5 * k, 20, 20]], [9.0], ids=[k + 1]))
        for k, name in enumerate(names)
    ]
    write_sphere_objects(tmp_path / "a.mod", objects, GRID)
    assert read_spheres(tmp_path / "a.mod", GRID).names.tolist() == names[:3]


def test_other_files_are_refused(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1 2 3\n")
    with pytest.raises(ValueError, match=r"a\.txt: vesicles are read from"):
        read_spheres(path)
