"""Tomograms and the models that belong to them: files of one name side by side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vesimod_train.config import VESICLES, Pairs
from vesimod_train.data.pairs import PairError

_TOMOGRAMS = (".mrc", ".rec", ".mrc.gz", ".rec.gz", ".mrc.bz2")
#: What names of models of membranes end in, as vesimod and people name them.
_ENDINGS = ("_outline", "_az", "_membranes", "_membrane")


def find_pairs(paths: Iterable[Path], target: str = VESICLES) -> Pairs:
    """Find tomograms and models that belong together.

    Parameters
    ----------
    paths : iterable of Path
        Models, or folders with models. In folders, those of membranes are told from those of
        vesicles by their names: NAME_outline.mod and NAME_az.mod belong to NAME.mrc.
    target : {"vesicles", "membranes"}
        What the models are of; those of membranes may be several for a tomogram.

    Raises
    ------
    PairError
        A model has no tomogram beside it, or a folder no model in it.
    """
    found: dict[str, list[str]] = {}
    pairs: list[tuple[str, ...]] = []
    for path in paths:
        models = _in_folder(path, target) if path.is_dir() else [path]
        if not models or models[0].suffix != ".mod":
            of = "vesicles" if target == VESICLES else "membranes (NAME_outline.mod)"
            raise PairError(f"{path}: no model (.mod) of {of}; name models or folders with models")
        for model in models:
            tomogram = str(_beside(model, target))
            if target == VESICLES:
                pairs.append((tomogram, str(model)))
            else:
                found.setdefault(tomogram, []).append(str(model))
    return (*pairs, *((tomogram, *models) for tomogram, models in found.items()))


def _in_folder(folder: Path, target: str) -> list[Path]:
    """Models of a folder that are of the one or the other."""
    models = sorted(folder.glob("*.mod"))
    return [model for model in models if model.stem.endswith(_ENDINGS) == (target != VESICLES)]


def _beside(model: Path, target: str) -> Path:
    """Tomogram of a model's name, or of what that name begins with."""
    stems = [model.stem]
    if target != VESICLES:
        stems += [model.stem.removesuffix(e) for e in _ENDINGS if model.stem.endswith(e)]
    beside = [model.with_name(stem + suffix) for stem in stems[::-1] for suffix in _TOMOGRAMS]
    for tomogram in beside:
        if tomogram.exists():
            return tomogram
    raise PairError(f"{model}: no tomogram {beside[0].name} beside it; copy or link it")
