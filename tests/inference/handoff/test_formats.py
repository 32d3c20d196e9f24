"""Each hand-off, read by the other side's own reader, and back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from xml import sax
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.handoff.formats import READERS, UNSIZED, WRITERS, Frame, reader_of, writer_of
from vesimod.handoff.frame import HandoffError
from vesimod.handoff.star import read_blocks
from vesimod_imod.core.spheres import Grid, Spheres

GRID = Grid((40, 60, 80), (1.5, 1.2, 1.2), origin_nm=(3.0, -4.0, 5.0))
FRAME = Frame(GRID, "TS_07")
SPHERES = Spheres(
    [[10, 20.25, 30], [12.5, 40, 50], [0, 0, 79]],
    [20.0, np.nan, 21.5],
    [0.9, 0.8, 0.25],
    ids=[3, 5, 9],
)
ROUND = [ending for ending in READERS if ending in WRITERS]


def write(ending: str, folder: Path, frame: Frame = FRAME, spheres: Spheres = SPHERES) -> Path:
    path = folder / f"vesimod_1_vesicle{ending}"
    WRITERS[ending](path, spheres, frame)
    return path


@pytest.mark.parametrize("ending", ROUND)
def test_spheres_come_back(ending: str, tmp_path: Path) -> None:
    path = write(ending, tmp_path)
    reader = reader_of(path)
    assert reader is READERS[ending if ending in READERS else ".star"]
    back = reader(path, FRAME)
    np.testing.assert_allclose(back.centres, SPHERES.centres, atol=1e-3)
    if ending in UNSIZED:
        assert np.isnan(back.radii_nm).all()
    else:
        np.testing.assert_allclose(back.radii_nm, SPHERES.radii_nm, atol=1e-3)
    if ending != ".txt":
        np.testing.assert_array_equal(back.ids, SPHERES.ids)


def test_relion_4_comes_back_in_any_pixel_size(tmp_path: Path) -> None:
    frame = Frame(GRID, "TS 07", tilt_pixel_nm=0.3)
    path = write(".relion4.star", tmp_path, frame)
    back = READERS[".star"](path, Frame(GRID, "another"))  # the file states its pixel size
    np.testing.assert_allclose(back.centres, SPHERES.centres, atol=1e-3)
    particles = read_blocks(path)["particles"]
    assert particles["rlnTomoName"][0] == "TS 07"
    assert float(particles["rlnCoordinateX"][0]) == pytest.approx(30 * 1.2 / 0.3)


@pytest.mark.parametrize("ending", [".star", ".relion4.star"])
def test_starfile_reads_it(ending: str, tmp_path: Path) -> None:
    starfile = pytest.importorskip(
        "starfile", reason="RELION's reader in Python: pip install starfile"
    )
    blocks = starfile.read(write(ending, tmp_path), always_dict=True)
    particles = blocks["particles"]
    assert list(particles["rlnTomoName"]) == ["TS_07"] * 3
    assert blocks["optics"]["rlnTomoTiltSeriesPixelSize"].iloc[0] == pytest.approx(12.0)
    if ending == ".star":
        x = particles["rlnCenteredCoordinateXAngst"]
        np.testing.assert_allclose(x, (SPHERES.centres[:, 2] - 40) * 12.0, atol=1e-3)
    else:
        np.testing.assert_allclose(particles["rlnCoordinateX"], SPHERES.centres[:, 2], atol=1e-3)


def test_starfiles_own_files_are_read(tmp_path: Path) -> None:
    starfile = pytest.importorskip(
        "starfile", reason="RELION's reader in Python: pip install starfile"
    )
    pandas = pytest.importorskip("pandas")
    names = [f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ"]
    frame = pandas.DataFrame(
        {"rlnTomoName": ["TS_07", "TS_08"], **{key: [0.0, 12.0] for key in names}}
    )
    starfile.write({"particles": frame}, tmp_path / "p.star")
    back = READERS[".star"](tmp_path / "p.star", FRAME)
    np.testing.assert_allclose(back.centres, [[20, 30, 40]])
    with pytest.raises(HandoffError, match="TS_07, TS_08; say with `name`"):
        READERS[".star"](tmp_path / "p.star", Frame(GRID, "TS_1"))


def test_dynamotable_reads_it(tmp_path: Path) -> None:
    dynamotable = pytest.importorskip("dynamotable", reason="pip install dynamotable")
    table = dynamotable.read(write(".tbl", tmp_path))
    np.testing.assert_allclose(table[["x", "y", "z"]], SPHERES.centres[:, ::-1] + 1)
    assert list(table["tag"]) == [3, 5, 9]
    assert list(table["tomo"]) == [7, 7, 7]


def test_napari_reads_it(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = pytest.importorskip("napari_builtins.io._read", reason="pip install napari")
        data, meta, kind = reader.csv_to_layer_data(str(write(".napari.csv", tmp_path)))
    assert kind == "points"
    np.testing.assert_allclose(data, SPHERES.centres)
    assert meta["properties"]["radius_nm"][0] == pytest.approx(20.0)


def test_copick_reads_it(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = pytest.importorskip("copick.models", reason="pip install copick")
    picks = models.CopickPicksFile(**json.loads(write(".json", tmp_path).read_text()))
    assert (picks.user_id, picks.session_id) == ("vesimod", "1")
    assert picks.pickable_object_name == "vesicle"
    assert [point.instance_id for point in picks.points] == [3, 5, 9]
    first = picks.points[0].location
    assert (first.x, first.y, first.z) == pytest.approx((360.0, 243.0, 150.0))


def test_ome_zarr_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("zarr", reason="pip install 'vesimod[zarr]'")
    path = write(".zarr", tmp_path)
    from vesimod.io.tomogram import read_tomogram

    back = read_tomogram(path)
    assert back.grid.voxel_size_nm == GRID.voxel_size_nm
    assert back.grid.origin_nm == GRID.origin_nm
    assert sorted(np.unique(back.voxels)) == [0, 3, 9]  # 5 has no radius
    write(".zarr", tmp_path)  # again, over the first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ome = pytest.importorskip("ome_zarr.reader", reason="pip install ome-zarr")
        location = pytest.importorskip("ome_zarr.io").parse_url(str(path))
        nodes = list(ome.Reader(location)())
    assert nodes[0].data[0].shape == GRID.shape
    np.testing.assert_array_equal(np.asarray(nodes[0].data[0]), back.voxels)


def test_markers_are_where_chimerax_shows_the_map(tmp_path: Path) -> None:
    markers = ElementTree.fromstring(write(".cmm", tmp_path).read_text()).findall("marker")
    first = [float(markers[0].attrib[key]) for key in ("x", "y", "z", "radius")]
    assert first == pytest.approx([410.0, 203.0, 180.0, 200.0])


class Markers(sax.ContentHandler):
    """Read what ChimeraX documents of a marker file, event by event, and nothing else."""

    ELEMENTS: ClassVar = {
        "marker_sets": set(),
        "marker_set": {"name"},
        "marker": {"id", "x", "y", "z", "r", "g", "b", "radius", "note", "nr", "ng", "nb"},
        "link": {"id1", "id2", "r", "g", "b", "radius"},
    }

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.markers: list[dict[str, float]] = []

    def startElement(self, name: str, attrs: Mapping[str, str]) -> None:
        assert set(attrs.keys()) <= self.ELEMENTS[name]
        if name == "marker":
            assert self.open[-1] == "marker_set"
            assert {"id", "x", "y", "z"} <= set(attrs.keys())
            assert str(int(attrs["id"])) == attrs["id"]
            numbers = {key: float(value) for key, value in attrs.items() if key != "note"}
            assert all(0 <= numbers[colour] <= 1 for colour in "rgb")
            self.markers.append(numbers)
        self.open.append(name)

    def endElement(self, name: str) -> None:
        assert self.open.pop() == name


def test_markers_keep_to_what_chimerax_documents(tmp_path: Path) -> None:
    """No package has ChimeraX's reader: a parser of another kind checks the file instead."""
    handler = Markers()
    frame = Frame(GRID, 'TS "07" <&>')
    sax.parse(str(write(".cmm", tmp_path, frame)), handler)
    assert handler.open == []
    assert [marker["id"] for marker in handler.markers] == [3, 5, 9]
    assert [marker["radius"] for marker in handler.markers] == pytest.approx([200, 100, 215])


def test_markers_that_chimerax_saved_are_read(tmp_path: Path) -> None:
    """Two sets, notes with a colour, links, attributes of others, and ids that begin anew."""
    (tmp_path / "saved.cmm").write_text(
        """<marker_sets>
<marker_set name="marker set 1" surface_display="true">
<marker id="1" x="410" y="203" z="180" r="1" g="0.7" b="0" radius="200" note="a" nr="1" ng="1"
 nb="1" origin="hand"/>
<marker id="2" x="50" y="-40" z="30"  radius="150"/>
<link id1="1" id2="2" r="1" g="1" b="0" radius="2"/>
</marker_set>
<marker_set name="marker set 2">
<marker id="1" x="62" y="-40" z="45"  radius="150"/>
</marker_set>
</marker_sets>"""
    )
    back = READERS[".cmm"](tmp_path / "saved.cmm", FRAME)
    np.testing.assert_allclose(back.centres, [[10, 20.25, 30], [0, 0, 0], [1, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(back.radii_nm, [20, 15, 15])
    assert len(set(back.ids.tolist())) == 3


def test_points_of_model2point(tmp_path: Path) -> None:
    lines = write(".txt", tmp_path).read_text().splitlines()
    assert [float(word) for word in lines[0].split()] == [1, 1, 30.5, 20.75, 10]


@given(st.binary(max_size=200), st.sampled_from([e for e in READERS if e != ".zarr"]))
def test_damaged_files_are_one_error(tmp_path_factory, content: bytes, ending: str) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"x{ending}"
    path.write_bytes(content)
    message = ""
    try:
        spheres = READERS[ending](path, FRAME)
    except ValueError as error:
        spheres, message = Spheres.empty(), str(error)
    assert np.isfinite(spheres.centres).all()
    assert not message or str(path) in message


def test_unknown_endings_are_listed() -> None:
    with pytest.raises(HandoffError, match=r"written as .*\.cmm.*\.star"):
        writer_of(Path("x.xyz"))
    assert writer_of(Path("x"), "relion4.star")[0] == ".relion4.star"
    assert writer_of(Path("TS.ome.ZARR"))[0] == ".zarr"


@pytest.mark.parametrize("ending", [".star", ".mod", ".mrc", ".zarr"])
def test_what_needs_the_volumes_size_says_so(ending: str, tmp_path: Path) -> None:
    if ending == ".zarr":
        pytest.importorskip("zarr", reason="pip install 'vesimod[zarr]'")
    frame = Frame(Grid((0, 0, 0), (1.0, 1.0, 1.0)))
    with pytest.raises(HandoffError, match="give `tomogram`"):
        WRITERS[ending](tmp_path / f"x{ending}", SPHERES, frame)
    assert not list(tmp_path.iterdir())
