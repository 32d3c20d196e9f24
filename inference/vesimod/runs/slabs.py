"""One tomogram shared by several computers: the network's part in slabs along z.

Each computer keeps what the network says of its slab in a file beside the output model; whoever
comes last joins them. A slab is computed with its surroundings, so joined slabs are what a
single run gives.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from vesimod_imod.core.arrays import Volume
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.files import atomic_path

from vesimod.io.provenance import fingerprint
from vesimod.io.tomogram import Tomogram
from vesimod.network.model import Model
from vesimod.network.resample import resampled_shape
from vesimod.pipeline import Progress, network_maps, size_at
from vesimod.settings import EVERYWHERE, SearchSettings

KEY = "made_from"


class SlabError(VesimodError, ValueError):
    """A slab is missing, or belongs to another run."""


def slab_file(output: Path, number: int, count: int) -> Path:
    """Say where a slab is kept, beside the output model."""
    return output.with_name(f"{output.name}.slab-{number:03d}-of-{count:03d}.npz")


def slab_rows(
    tomogram: Tomogram,
    model: Model,
    number: int,
    count: int,
    search: SearchSettings = EVERYWHERE,
) -> tuple[int, int]:
    """Return the first row in z of a slab, on the model's grid, and one beyond its last.

    Raises
    ------
    SlabError
        There is no such slab, or the tomogram has fewer rows than slabs.
    """
    nm = (model.spec.voxel_size_nm,) * 3
    rows = resampled_shape(tomogram.grid.shape, size_at(tomogram, search.scales[0]), nm)[0]
    if not 1 <= number <= count:
        raise SlabError(f"slab {number} of {count}: the slabs are numbered from 1 to {count}")
    if count > rows:
        raise SlabError(f"{tomogram.path}: {count} slabs of {rows} rows of {nm[0]:g} nm; use fewer")
    return rows * (number - 1) // count, rows * number // count


def write_slab(
    tomogram: Tomogram,
    output: Path,
    model: Model,
    number: int,
    count: int,
    search: SearchSettings = EVERYWHERE,
    progress: Progress | None = None,
) -> Path:
    """Run the network on one slab and keep what it says.

    Parameters
    ----------
    tomogram : Tomogram
    output : Path
        The sphere model that will be written in the end; the slab is kept beside it.
    model : Model
    number, count : int
        Which slab, from 1, of how many.
    search : SearchSettings
        How, and where; the same for all slabs.
    progress : callable, optional
        As in `vesimod.segment`.

    Returns
    -------
    Path
        The file; one of an earlier run is replaced.
    """
    first, last = slab_rows(tomogram, model, number, count, search)
    maps = network_maps(tomogram, model, search, rows=(first, last), progress=progress)
    path = slab_file(output, number, count)
    arrays = {name: array[first:last] for name, array in maps.items()}
    key = _key(tomogram, model, search)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **{KEY: np.array(key), **arrays})  # type: ignore[arg-type]
    return path


def join_slabs(
    tomogram: Tomogram,
    output: Path,
    model: Model,
    count: int,
    search: SearchSettings = EVERYWHERE,
) -> dict[str, Volume]:
    """Put the slabs together: what `network_maps` gives for the whole tomogram.

    Raises
    ------
    SlabError
        One is missing, damaged, or of another tomogram, network, contrast or region.
    """
    key = _key(tomogram, model, search)
    whole: dict[str, list[Volume]] = {name: [] for name in model.spec.outputs}
    for number in range(1, count + 1):
        path = slab_file(output, number, count)
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as slab:
                if str(slab[KEY]) != key:
                    raise SlabError(
                        f"{path}: of another tomogram, network, contrast or region; delete it "
                        f"and run slab {number} again"
                    )
                for name, parts in whole.items():
                    parts.append(slab[name])
        except SlabError:
            raise
        except FileNotFoundError:
            raise SlabError(f"{path}: is missing; run slab {number} of {count} first") from None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise SlabError(f"{path}: unreadable ({error}); run slab {number} again") from error
    return {name: np.concatenate(parts) for name, parts in whole.items()}


def remove_slabs(output: Path, count: int) -> None:
    """Delete the slabs' files."""
    for number in range(1, count + 1):
        slab_file(output, number, count).unlink(missing_ok=True)


def _key(tomogram: Tomogram, model: Model, search: SearchSettings) -> str:
    """Say what all slabs of one run have in common."""
    region = search.region
    where = "" if region is None else hashlib.sha256(np.packbits(region).tobytes()).hexdigest()
    how = f"{search.invert} {search.scales[0]} {where}"
    return f"{fingerprint(tomogram.path)} {tomogram.grid} {model.sha256} {how}"
