"""What one run writes, and what a user can set: shared by segment, batch and chunks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from vesimod_imod.core.file_roles import check_kind
from vesimod_imod.core.files import mark_path

from vesimod.io.provenance import fingerprint
from vesimod.io.region import read_region
from vesimod.io.tomogram import Tomogram
from vesimod.limits import RADIUS_NM
from vesimod.runs.summary import MODEL_ENDING
from vesimod.settings import SearchSettings

KINDS = {
    "model": "a model",
    "table": "a table",
    "labels": "a volume",
    "probability": "a volume",
    "picture": "a picture",
    "dropped": "a table",
    "report": "a report",
}


class WantedFiles:
    """Base of dataclasses whose every field is the path of a file, or None for one not wanted."""

    def files(self) -> list[Path]:
        """All files that are wanted."""
        return [file for file in vars(self).values() if file is not None]


@dataclass(frozen=True)
class Outputs:
    """The files to write; None where one is not wanted.

    Parameters
    ----------
    model : Path
        The sphere model (``.mod``).
    table, dropped : Path, optional
        Accepted spheres and candidates that were not accepted, as CSV.
    labels, probability : Path, optional
        Volumes (MRC) on the tomogram's grid: each voxel's sphere, the network's output.
    picture : Path, optional
        A sheet of slabs with the spheres (PNG).
    report : Path, optional
        Everything that helps to judge the result, on one page (HTML).
    """

    model: Path
    table: Path | None = None
    labels: Path | None = None
    probability: Path | None = None
    picture: Path | None = None
    dropped: Path | None = None
    report: Path | None = None

    def files(self) -> list[Path]:
        """All files that are wanted."""
        return [self.model, *self.beside_model().values()]

    def beside_model(self) -> dict[str, Path]:
        """Files that are wanted beside the model, by the name of their field."""
        named = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {name: file for name, file in named.items() if file is not None}

    @property
    def mark(self) -> Path:
        """A file that is there while the others are written, and after that was cut short."""
        return mark_path(self.model)

    def check_kinds(self) -> None:
        """Refuse names that say that a file is something else: `InputError`."""
        for field, kind in KINDS.items():
            check_kind(getattr(self, field), kind)

    def check_absent(self, remedy: str) -> None:
        """Refuse to replace files.

        Raises
        ------
        FileExistsError
            One is there; the message ends with the remedy.
        """
        for file in self.files():
            if file.exists():
                cut = "is of a run that was cut short while it wrote its results"
                raise FileExistsError(
                    f"{file}: {cut if self.mark.exists() else 'exists already'}; {remedy}"
                )

    @property
    def complete(self) -> bool:
        """Whether the model is there, and with it all that was asked for then."""
        return self.model.exists() and not self.mark.exists()


@dataclass(frozen=True)
class Settings:
    """What a user can set that changes the result.

    Parameters
    ----------
    voxel_size_nm : float, optional
        Overrides the header.
    threshold : float, optional
        Probability from which a voxel is vesicle; default automatic.
    invert : bool
        Membranes are bright.
    region : Path, optional
        Closed contours or a mask: where vesicles may be.
    score_classes : bool
        Five objects by score instead of one.
    radius_nm : (float, float)
        Least and largest radius that is looked for.
    """

    voxel_size_nm: float | None = None
    threshold: float | None = None
    invert: bool = False
    region: Path | None = None
    score_classes: bool = False
    radius_nm: tuple[float, float] = RADIUS_NM

    def record(self) -> dict[str, Any]:
        """As plain JSON values; the region by its content, wherever it lies."""
        region = None if self.region is None else fingerprint(self.region)
        return {**asdict(self), "region": region, "radius_nm": list(self.radius_nm)}

    def search(self, tomogram: Tomogram) -> tuple[SearchSettings, tuple[str, ...]]:
        """Return how to search this tomogram, and what is doubtful about the region.

        Raises
        ------
        InputError
            A threshold that is not a probability; see `vesimod.io.region.read_region`.
        """
        everywhere = SearchSettings(self.threshold, self.invert, radius_nm=self.radius_nm)
        if self.region is None:
            return everywhere, ()
        region, notes = read_region(self.region, tomogram.grid)
        return replace(everywhere, region=region), notes


def default_output(path: Path) -> Path:
    """``<stem>_vesicles.mod`` beside the tomogram, also for compressed files."""
    return path.with_name(stem(path) + MODEL_ENDING)


def stem(path: Path) -> str:
    """Name of a tomogram without its endings, also for compressed files."""
    name = path.name
    for suffix in (".gz", ".bz2"):
        name = name.removesuffix(suffix)
    return Path(name).stem
