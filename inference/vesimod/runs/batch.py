"""Many tomograms: name their results, know which are finished, survive a bad one."""

from __future__ import annotations

import glob
import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from vesimod_imod.core.errors import InputError
from vesimod_imod.core.locks import only_writer

from vesimod.errors import disk_is_full, in_words
from vesimod.io.provenance import fingerprint, read_provenance
from vesimod.network.model import Model
from vesimod.network.runtime import ON_GPU
from vesimod.pipeline import Progress
from vesimod.runs.outputs import Outputs, Settings, stem
from vesimod.runs.segment_file import Asked, ask_network, find_and_write, prepare
from vesimod.runs.summary import MODEL_ENDING, Row, row_of

Item = TypeVar("Item")
Begun = TypeVar("Begun")
Done = TypeVar("Done")
ENDINGS = {
    "model": MODEL_ENDING,
    "table": "_vesicles.csv",
    "labels": "_labels.mrc",
    "probability": "_probability.mrc",
    "picture": "_vesicles.png",
    "dropped": "_dropped.csv",
    "report": "_report.html",
}


@dataclass(frozen=True)
class Job:
    """One tomogram of a batch: what to read, what to write, how to find the vesicles."""

    tomogram: Path
    outputs: Outputs
    settings: Settings


def find_tomograms(patterns: Sequence[str]) -> list[Path]:
    """Find the files that patterns such as ``data/*_rec.mrc`` mean, each once.

    The shells of Windows leave patterns to the program; ``**`` stands for any folders.

    Raises
    ------
    FileNotFoundError
        A pattern matches no file.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        # Not Path.glob, which refuses patterns that begin at the root.
        names = [pattern] if Path(pattern).exists() else glob.glob(pattern, recursive=True)  # noqa: PTH207
        files = [Path(name) for name in sorted(names) if Path(name).is_file()]
        if not files:
            raise FileNotFoundError(
                f"{pattern}: no such file; name tomograms or a pattern such as 'data/*_rec.mrc'"
            )
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def plan_jobs(
    tomograms: Sequence[Path],
    folder: Path,
    settings: Settings,
    kinds: Sequence[str] = ("table",),
    regions: Path | None = None,
) -> list[Job]:
    """Give each tomogram its result files in one folder.

    Parameters
    ----------
    tomograms : sequence of Path
        Files that are results of other tomograms, e.g. label volumes, are left out.
    folder : Path
        Where the results go.
    settings : Settings
        For all of them.
    kinds : sequence of str
        Which of `Outputs`' files are wanted beside the model.
    regions : Path, optional
        A folder: ``<name>.mod`` or ``<name>.mrc`` in it is the region of the tomogram that
        has this name; one without such a file is searched everywhere.

    Raises
    ------
    InputError
        Two tomograms cannot be told apart by their names.
    """
    jobs = []
    results: set[Path] = set()
    for tomogram, name in zip(tomograms, distinct_names(tomograms), strict=True):
        files = {kind: folder / f"{name}{ending}" for kind, ending in ENDINGS.items()}
        results |= {file.resolve() for file in files.values()}
        own = settings
        if regions is not None:
            drawn = [regions / f"{name}{ending}" for ending in (".mod", ".mrc")]
            own = replace(settings, region=next((file for file in drawn if file.is_file()), None))
        outputs = Outputs(**{kind: files[kind] for kind in ("model", *kinds)})
        jobs.append(Job(tomogram, outputs, own))
    return [job for job in jobs if job.tomogram.resolve() not in results]


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Name each file by its stem, with as many folders in front as it takes to tell them apart.

    Raises
    ------
    InputError
        Two files in one folder share a stem.
    """
    parts = [[*path.absolute().parent.parts[1:], stem(path)] for path in paths]
    depths = [1] * len(paths)
    while True:
        names = ["_".join(p[-depth:]) for p, depth in zip(parts, depths, strict=True)]
        count = Counter(name.casefold() for name in names)  # Windows knows no upper case
        same = [i for i, name in enumerate(names) if count[name.casefold()] > 1]
        if not same:
            return names
        deeper = [min(depths[i] + 1, len(parts[i])) for i in same]
        if deeper == [depths[i] for i in same]:
            raise InputError(
                f"{paths[same[0]]} and {paths[same[1]]}: their results would have the same "
                "names; give them a folder each"
            )
        for i, depth in zip(same, deeper, strict=True):
            depths[i] = depth


def is_finished(job: Job, weights_sha256: str, overwrite: bool = False) -> bool:
    """Whether the results are there, made from this tomogram with this network and settings.

    Corrections that a person made to the model since do not count against it.

    Raises
    ------
    FileExistsError
        There is a model that was made otherwise, and `overwrite` is false; the message says how.
    """
    model = job.outputs.model
    if not job.outputs.complete:
        return False
    made, notes = read_provenance(model)
    if made is None:
        reason = notes[0]
    elif made.tomogram_fingerprint != fingerprint(job.tomogram):
        reason = f"{model} was made from another tomogram, or before {job.tomogram} changed"
    elif made.weights_sha256 != weights_sha256:
        reason = f"{model} was made by another network, {made.network}"
    elif made.parameters != json.loads(json.dumps(job.settings.record())):
        reason = f"{model} was made with other settings"
    elif absent := [file.name for file in job.outputs.files() if not file.exists()]:
        reason = f"{model} was made without {', '.join(absent)}"
    else:
        return True
    if overwrite:
        return False
    raise FileExistsError(f"{reason}; `overwrite=True` makes it anew, another folder keeps both")


def run_jobs(
    jobs: Sequence[Job], network: Model, *, overwrite: bool, progress: Progress
) -> Iterator[Row]:
    """Do all jobs that are not finished; yield a row for each, failed ones included.

    A full disk ends the batch: the tomograms after it would be segmented in vain. On a GPU, the
    network is asked about the next tomogram while the vesicles of one are fitted, which takes the
    CPU; both then share the memory.

    Parameters
    ----------
    jobs : sequence of Job
    network : Model
        For all of them.
    overwrite : bool
        Replace results that were made otherwise. Finished ones are kept in any case.
    progress : callable
        As in `vesimod.segment`; its step ``tomograms`` counts the jobs.
    """
    ahead = ON_GPU in network.providers
    if ahead and network.memory_gb is not None:
        network = replace(network, memory_gb=network.memory_gb / 2)

    def begin(job: Job) -> Asked | None:
        with only_writer(job.outputs.files()):
            if is_finished(job, network.sha256, overwrite):
                return None
            tomogram = prepare(job.tomogram, job.outputs, job.settings, overwrite=True)
            return ask_network(tomogram, job.outputs, job.settings, network, progress=progress)

    def end(job: Job, asked: Asked | None) -> Row:
        if asked is not None:
            with only_writer(job.outputs.files()):
                find_and_write(
                    asked, job.outputs, job.settings, network, overwrite=True, progress=progress
                )
        row = row_of(job.outputs.model, "kept" if asked is None else "done")
        return replace(row, tomogram=job.tomogram)

    progress("tomograms", 0, len(jobs))
    results = in_two_steps(jobs, begin, end, ahead=ahead)
    for number, (job, result) in enumerate(zip(jobs, results, strict=True), 1):
        if isinstance(result, Row):
            yield result
        else:
            yield Row(job.outputs.model, "failed", job.tomogram, notes=(in_words(result),))
            if disk_is_full(result):
                results.close()
                return
        progress("tomograms", number, len(jobs))


def in_two_steps(
    items: Sequence[Item],
    first: Callable[[Item], Begun],
    second: Callable[[Item, Begun], Done],
    *,
    ahead: bool,
) -> Generator[Done | Exception, None, None]:
    """Do two steps for each item; yield what the second one returns, or what went wrong.

    Parameters
    ----------
    items : sequence
    first, second : callable
        The second step takes an item and what the first made of it.
    ahead : bool
        Do the first step for an item while the second is done for the one before, in another
        thread. No more than these two are in work.
    """

    def end(item: Item, begun: Begun | Exception) -> Done | Exception:
        return begun if isinstance(begun, Exception) else _tried(second, item, begun)

    with ThreadPoolExecutor(1) as thread:
        waiting: Future[Done | Exception] | None = None
        for item in items:
            begun = _tried(first, item)
            if not ahead:
                result = end(item, begun)
                del begun  # whole volumes, which the next one needs the memory of
                yield result
                continue
            if waiting is not None:
                yield waiting.result()
            waiting = thread.submit(end, item, begun)
            del begun
        if waiting is not None:
            yield waiting.result()


def _tried(step: Callable[..., Done], *arguments: object) -> Done | Exception:
    """Return what a step returns, or the error that it raises."""
    try:
        return step(*arguments)
    except Exception as error:
        return error
