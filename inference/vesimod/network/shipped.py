"""The models that come with vesimod: where they are, and whether they are as they were shipped."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from vesimod_imod.core.files import sha256_of

from vesimod.network.spec import ModelError

SUMS = "SHA256SUMS"  # beside the models, in the form of the program sha256sum
_LIST = re.compile(r"([0-9a-f]{64}  \S+\n)+")


def shipped_models() -> dict[str, Path]:
    """Models that came with vesimod: name to file."""
    # In an installed wheel models/ lies inside the package, in a checkout at its top.
    folders = [Path(str(resources.files("vesimod"))) / "models"]
    folders.append(Path(__file__).resolve().parents[3] / "models")
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.onnx")):
            found.setdefault(path.stem, path)
    return found


def find_model(name: str | Path) -> Path:
    """Path of a shipped model or of an ``.onnx`` file.

    Raises
    ------
    FileNotFoundError
        There is neither; the message lists the shipped models.
    ModelError
        A shipped model is damaged; see `check_shipped`.
    """
    shipped = shipped_models()
    path = shipped.get(str(name), Path(name))
    if not path.is_file():
        raise FileNotFoundError(
            f"{name}: neither a file nor a shipped model ({', '.join(shipped) or 'none shipped'})"
        )
    if any(path.samefile(each) for each in shipped.values()):
        check_shipped(path)
    return path


def check_shipped(path: Path) -> None:
    """Compare a file with the checksum that it was shipped with; a user's own file has none.

    Raises
    ------
    ModelError
        It is not what was shipped, or the list of checksums is missing or damaged.
    """
    sums = path.with_name(SUMS)
    again = "install vesimod again (pip install --force-reinstall)"
    text = sums.read_text(encoding="utf-8", errors="replace") if sums.is_file() else ""
    if not _LIST.fullmatch(text):
        raise ModelError(
            f"{sums}: is missing or damaged, so that shipped models cannot be checked; {again}"
        )
    expected = dict(line.split()[::-1] for line in text.splitlines()).get(path.name)
    found = sha256_of(path)
    if expected not in (None, found):
        raise ModelError(
            f"{path}: is damaged or was changed: its SHA-256 begins with {found[:12]}, that of the "
            f"shipped model with {expected[:12]}; {again}, or keep a model of your own elsewhere"
        )
