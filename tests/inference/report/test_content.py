"""What a report says: of every vesicle, of the run, and nothing of the machine."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import painted
import pytest
from vesimod.cli import app, run_app
from vesimod.io.provenance import Provenance, write_provenance
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod.report.html import content_of, write_report
from vesimod.report.subject import Subject, without_folders
from vesimod_imod.core.errors import MissingPackageError
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

pytest.importorskip("plotly", reason="reports need pip install 'vesimod[report]'")
GRID = Grid((40, 60, 60), (3.0, 3.0, 3.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tomogram with seven vesicles, one of which is drawn too large, and its table."""
    folder = tmp_path_factory.mktemp("some folder")
    centres, radii = painted.scatter(GRID.shape, 3.0, 7, seed=3)
    volume = painted.image(painted.paint(GRID.shape, 3.0, centres, radii), 3.0, snr=0.5)
    write_volume(folder / "TS <b>1_rec.mrc", volume, GRID)
    radii = radii + np.array([0, 0, 8, 0, 0, 0, 0])
    spheres = Spheres(centres, radii, np.linspace(0.9, 1, 7), np.arange(11, 18))
    write_sphere_model(folder / "TS_vesicles.mod", spheres, GRID)
    lost = Spheres(centres[:2] + 4, radii[:2], [0.2, 0.3], [1, 2])
    write_spheres_csv(folder / "lost.csv", lost.with_measures(reason=np.array(["too <i>", "b"])))
    write_spheres_csv(folder / "features.csv", spheres.with_measures(wobble=np.arange(7.0)))
    return folder


def subject(folder: Path) -> Subject:
    tomogram = read_tomogram(folder / "TS <b>1_rec.mrc")
    model = folder / "TS_vesicles.mod"
    return Subject(tomogram, model, read_sphere_model(model, tomogram.grid))


def content(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def without_plotly(text: str) -> str:
    return re.sub(r'<script type="text/plain" id="plotly">.*?</script>', "", text, flags=re.S)


def test_every_vesicle_has_a_card_that_leads_to_3dmod(folder: Path) -> None:
    made = content_of(subject(folder))
    assert [card["id"] for card in made["vesicles"]] == list(range(11, 18))
    assert [(c["object"], c["contour"]) for c in made["vesicles"]] == [(1, k) for k in range(1, 8)]
    for card in made["vesicles"]:
        assert card["image"].startswith("data:image/webp;base64,")
        assert len(card["profile"]) == len(made["axis"])
    worst = max(made["vesicles"], key=lambda card: card["doubt"])
    assert worst["id"] == 13
    assert any(re.search(r"radius -[6-9]\.\d nm", words) for words in worst["words"])
    assert made["slabs"]["positions"] == sorted(made["slabs"]["positions"])


def test_the_command_tells_all_it_is_given(folder: Path, tmp_path: Path, capsys) -> None:
    page, png = tmp_path / "r.html", tmp_path / "r.png"
    line = ["report", str(folder / "TS <b>1_rec.mrc"), str(folder / "TS_vesicles.mod")]
    line += ["-o", str(page), "--png", str(png), "--dropped", str(folder / "lost.csv")]
    line += ["--table", str(folder / "features.csv"), "--truth", str(folder / "TS_vesicles.mod")]
    line += ["--contours", str(folder / "TS_vesicles.mod")]
    assert run_app(app, "vesimod", line) == 0
    assert f"wrote {png}" in capsys.readouterr().out
    assert png.read_bytes().startswith(b"\x89PNG")
    made = content(page)
    assert [card["reason"] for card in made["dropped"]] == ["too <i>", "b"]
    assert made["vesicles"][3]["features"]["wobble"] == 3
    assert made["comparison"]["missed"] == made["comparison"]["changed"] == []
    titles = [plot["title"] for plot in made["plots"]]
    assert {"Radius", "Score", "Accepted and dropped", "Errors by radius"} <= set(titles)
    first = page.read_bytes()
    assert run_app(app, "vesimod", line) == 2  # nothing is replaced unasked
    assert "--overwrite" in capsys.readouterr().err
    assert page.read_bytes() == first
    assert run_app(app, "vesimod", [*line, "--overwrite", "--quiet"]) == 0
    assert page.read_bytes() == first


def test_names_are_escaped_and_no_folder_is_told(folder: Path, tmp_path: Path) -> None:
    about = subject(folder)
    note = f"{folder}/x.mrc: </script><script>alert(1)</script>; `overwrite=True` replaces it"
    record = Provenance("fast", "", "t", "", {}, {"notes": [note]})
    write_report(tmp_path / "r.html", replace(about, provenance=record))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    ours = without_plotly(text)
    assert "<b>1" not in ours
    assert "<script>alert" not in ours
    assert "TS &lt;b&gt;1_rec.mrc" in ours
    assert "--overwrite replaces it" in ours
    assert str(folder) not in text
    assert str(folder.parent) not in text
    write_report(tmp_path / "p.html", replace(about, with_paths=True))
    assert str(folder) in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_nothing_is_fetched(folder: Path, tmp_path: Path) -> None:
    """The browser is forbidden to, and nothing of ours asks for it."""
    write_report(tmp_path / "r.html", subject(folder))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    ours = without_plotly(text)
    assert set(re.findall(r"https?://[^\"' ]+", ours)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ann/data/a_rec.mrc: is odd", "a_rec.mrc: is odd"),
        (r"C:\Users\ann\a_rec.mrc: is odd", "a_rec.mrc: is odd"),
        ("1/2 of them, and/or z/y; 3 vesicles/um", "1/2 of them, and/or z/y; 3 vesicles/um"),
        ("no file\nWARNING", r"no file\nWARNING"),
    ],
)
def test_folders_are_left_out_of_messages(text: str, shown: str) -> None:
    assert without_folders(text) == shown


def test_a_model_without_vesicles_or_radii_has_a_report(folder: Path, tmp_path: Path) -> None:
    tomogram = folder / "TS <b>1_rec.mrc"
    for name, spheres in {
        "none": Spheres.empty(),
        "one": Spheres([[20, 30, 30]], [np.nan]),
        "out": Spheres([[-90, 30, 30], [20, 30, 900]], [20.0, 20.0]),
    }.items():
        write_spheres_csv(tmp_path / f"{name}.csv", spheres)
        line = ["report", str(tomogram), str(tmp_path / f"{name}.csv"), "--quiet"]
        assert run_app(app, "vesimod", line) == 0, name
        made = content(tmp_path / f"{name}_report.html")
        assert len(made["vesicles"]) == len(spheres)
    assert made["vesicles"][0]["contour"] == 0  # no model


def test_an_edited_model_is_said_to_be_one(folder: Path, tmp_path: Path) -> None:
    model, tomogram = tmp_path / "a.mod", folder / "TS <b>1_rec.mrc"
    write_sphere_model(model, Spheres([[20, 30, 30]], [20.0]), GRID)
    write_provenance(
        model, Provenance("fast", "", "t", "", {"radius_nm": [12, 75]}, {"seconds": 3})
    )
    write_sphere_model(model, Spheres([[20, 30, 31]], [20.0]), GRID, overwrite=True)
    assert run_app(app, "vesimod", ["report", str(tomogram), str(model), "-q"]) == 0
    text = (tmp_path / "a_report.html").read_text(encoding="utf-8")
    assert "a.mod was edited since vesimod wrote it" in text
    assert "12 to 75 nm" in text


def test_missing_packages_are_named(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(MissingPackageError, match=r"plotly.*vesimod\[report\]"):
        write_report(tmp_path / "r.html", subject(folder))
    assert not list(tmp_path.iterdir())
