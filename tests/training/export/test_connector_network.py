"""A network of connectors, from fit to `vesimod connect`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vesimod
from vesimod.cli import app, run_app
from vesimod.io.tomogram import write_volume
from vesimod.linking import likely_connectors
from vesimod.network.model import load_model
from vesimod_train.config import Config
from vesimod_train.data.boutons import bouton_example
from vesimod_train.export.onnx import export
from vesimod_train.fitting.fit import fit
from vesimod_train.simulate.connectors import simulate_connected
from vesimod_train.simulate.tilts import Microscope

pytestmark = pytest.mark.slow
CONFIG = Config(
    name="tiny",
    target="connectors",
    two_heads=True,
    voxel_size_nm=2.2,
    channels=4,
    poolings=1,
    steps=2,
    batch=1,
    crop=16,
    check_every=2,
    bfloat16=False,
)


@pytest.fixture(scope="module")
def made():
    return simulate_connected((32, 64, 64), 2.2, 12, Microscope(snr=1.0), 1)


@pytest.fixture(scope="module")
def network(made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    example = bouton_example(made, CONFIG.normalisation)
    checkpoint = fit(
        CONFIG,
        folder / "run",
        threads=1,
        report=lambda _line: None,
        examples=([example], [example]),
    )
    export(checkpoint, folder / "tiny.onnx")
    return folder / "tiny.onnx"


def test_it_says_what_it_tells(network: Path) -> None:
    spec = load_model(str(network), device="cpu").spec
    assert spec.outputs == ("connector",)
    assert "connector" in spec.meanings["connector"]


def test_its_map_lies_on_the_tomograms_grid(made, network: Path, tmp_path: Path) -> None:
    model = load_model(str(network), device="cpu")
    write_volume(tmp_path / "t.mrc", made.volume, made.grid)
    likely = likely_connectors(vesimod.read_tomogram(tmp_path / "t.mrc"), model)
    assert likely.shape == made.grid.shape
    assert np.isfinite(likely).all()
    write_volume(tmp_path / "inverted.mrc", -made.volume, made.grid)
    again = likely_connectors(vesimod.read_tomogram(tmp_path / "inverted.mrc"), model, invert=True)
    assert again == pytest.approx(likely, abs=1e-4)


def test_the_command_traces_in_its_map(
    made, network: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    write_volume(tmp_path / "t.mrc", made.volume, made.grid)
    vesimod.write_spheres("v.mod", made.spheres, made.grid)
    write_volume(tmp_path / "r.mrc", made.region.astype(np.uint8), made.grid)
    line = ["connect", "t.mrc", "v.mod", "--region", "r.mrc", "--network", str(network)]
    assert run_app(app, "vesimod", line) == 0
    assert "thresholds on the network's log odds" in capsys.readouterr().out
    found = vesimod.connect("t.mrc", "v.mod", region="r.mrc", network=network)
    rows = (tmp_path / "t_connectors.csv").read_text().splitlines()[1:]
    assert len(found.connectors) == len(rows)
    assert '"network": "tiny' in (tmp_path / "t_connectors.mod.json").read_text()


def test_networks_are_not_taken_for_what_they_do_not_tell(
    made, network: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    write_volume(tmp_path / "t.mrc", made.volume, made.grid)
    vesimod.write_spheres("v.mod", made.spheres, made.grid)
    for line in (
        ["segment", "t.mrc", "--model", str(network)],
        ["connect", "t.mrc", "v.mod", "--network", "fast"],
    ):
        assert run_app(app, "vesimod", line) == 2
        errors = [text for text in capsys.readouterr().err.splitlines() if "ERROR" in text]
        assert len(errors) == 1
        assert "gives" in errors[0]
        assert not list(tmp_path.glob("t_*.mod"))
