"""Outlines as training pairs: what is learned, what is not, and how pairs are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from vesimod.io.tomogram import write_volume
from vesimod.network.spec import Normalisation
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.spheres import Grid
from vesimod_train.config import MEMBRANES, Config, ConfigError
from vesimod_train.data.find_pairs import find_pairs
from vesimod_train.data.membrane_pairs import read_membrane_pair
from vesimod_train.data.pairs import PairError
from vesimod_train.fitting.losses import membrane_loss

GRID = Grid((24, 64, 64), (2.0,) * 3)
CENTRE, RADIUS = 31.5, 20.0


def ring(section: int, radius: float = RADIUS) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    y, x = CENTRE + radius * np.sin(angle), CENTRE + radius * np.cos(angle)
    return np.column_stack([np.full(60, float(section)), y, x])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return a dark ring in every section, and its outline, drawn on sections 4 to 19."""
    _, y, x = np.indices(GRID.shape)
    away = np.hypot(y - CENTRE, x - CENTRE) - RADIUS
    noise = np.random.default_rng(0).normal(size=GRID.shape)
    write_volume(tmp_path / "t.mrc", (noise - 5 * (np.abs(away) < 2)).astype(np.float32), GRID)
    outline = Drawing("outline", True, tuple(ring(k) for k in range(4, 20)))
    write_drawings(tmp_path / "t_outline.mod", [outline], GRID)
    return tmp_path / "t.mrc", tmp_path / "t_outline.mod"


def test_distances_are_those_of_the_outline_and_only_drawn_sections_count(
    pair: tuple[Path, Path],
) -> None:
    example, notes = read_membrane_pair(pair[0], [pair[1]], 4.0, Normalisation())
    assert example.membrane_nm is not None
    middle = example.distance_nm.shape[0] // 2
    inside = np.asarray(example.distance_nm, float)[middle] > 0
    assert inside.sum() * 16 == pytest.approx(np.pi * (RADIUS * 2) ** 2, rel=0.05)
    weight = np.asarray(example.weight) > 0
    assert weight.any()
    assert weight.any(axis=(1, 2)).sum() * 4.0 <= 16 * 2.0 + 4.0
    outside = np.asarray(example.distance_nm, float) < -10
    assert np.isnan(np.asarray(example.membrane_nm, float)[outside]).all()  # nobody looked there
    assert any("sections that the outline was drawn on" in note for note in notes)


def test_pairs_of_membranes_are_found_by_their_names(pair: tuple[Path, Path]) -> None:
    tomogram, outline = pair
    az = outline.with_name("t_az.mod")
    az.write_bytes(outline.read_bytes())
    assert find_pairs([tomogram.parent], MEMBRANES) == ((str(tomogram), str(az), str(outline)),)
    with pytest.raises(PairError, match="of vesicles"):
        find_pairs([tomogram.parent])


def test_a_model_without_an_outline_is_refused(pair: tuple[Path, Path]) -> None:
    line = Drawing("active zone", False, (ring(8)[:20],))
    path = pair[1].with_name("t_az.mod")
    write_drawings(path, [line], GRID)
    with pytest.raises(PairError, match="draw the outline of the cell"):
        read_membrane_pair(pair[0], [path], 4.0, Normalisation())


def test_the_loss_is_least_at_the_truth_and_ignores_what_nobody_knows() -> None:
    outline_nm = torch.linspace(-20, 20, 41)
    membrane_nm = outline_nm.abs()
    weight = torch.ones(41)
    sure = torch.where(membrane_nm < 4.7, 4.0, -4.0)
    right = membrane_loss(outline_nm, sure, outline_nm, membrane_nm, weight)
    assert right < membrane_loss(outline_nm + 6, sure, outline_nm, membrane_nm, weight)
    assert right < membrane_loss(outline_nm, -sure, outline_nm, membrane_nm, weight)
    unknown = torch.full_like(membrane_nm, torch.nan)
    either = [membrane_loss(outline_nm, s, outline_nm, unknown, weight) for s in (sure, -sure)]
    assert torch.isfinite(either[0])
    assert either[0] == either[1]


def test_configurations_of_membranes_need_two_heads() -> None:
    with pytest.raises(ConfigError, match="two_heads"):
        Config.from_mapping({"target": "membranes"})
    with pytest.raises(ConfigError, match="known are vesicles, membranes, connectors"):
        Config.from_mapping({"target": "nuclei"})
