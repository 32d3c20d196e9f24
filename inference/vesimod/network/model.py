"""Networks: find a model, start it on the device that was asked for, run it on a volume."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.core.arrays import Volume

from vesimod.network.memory import GB, default_memory_gb
from vesimod.network.prediction import Network, predict
from vesimod.network.runtime import (
    NO_OPENVINO,
    ON_CPU,
    ON_GPU,
    OPENVINO,
    Device,
    DeviceError,
    checked_threads,
    import_runtime,
    providers_for,
    start_session,
    wish_notes,
)
from vesimod.network.shipped import find_model
from vesimod.network.spec import METADATA_KEY, ModelError, ModelSpec
from vesimod.network.strips import Runner, takes_strips
from vesimod.network.tiling import (
    Box,
    Shape,
    Strips,
    Tile,
    kept_box,
    plan_tiles,
    voxels_in_memory,
)

DEFAULT_MODEL = "fast"


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network ready to run.

    Parameters
    ----------
    spec : ModelSpec
        What the file says about itself.
    path : Path
        The ``.onnx`` file.
    sha256 : str
        Of the file, for provenance.
    providers : tuple of str
        Execution providers that really started.
    memory_gb : float or None
        Memory that a run may use, beside the tomogram's own memory-mapped file; None for a
        quarter of what is free then. No result depends on it.
    run : Network
        Takes a normalised tile (z, y, x) float32, returns one array per output. It keeps what the
        next strip needs: not for two threads at once.
    strips : Strips or None
        How it takes a tile strip by strip; None where it cannot.
    release : callable
        Gives back the memory that is kept from one tile to the next.
    notes : tuple of str
        What did not start and is done without.
    """

    spec: ModelSpec
    path: Path
    sha256: str
    providers: tuple[str, ...]
    memory_gb: float | None
    run: Network
    strips: Strips | None
    release: Callable[[], None]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        spec, device = self.spec, "GPU" if ON_GPU in self.providers else "CPU"
        return f"Model({spec.name} {spec.version}, {spec.voxel_size_nm:g} nm voxels, {device})"

    def predict(
        self,
        volume: Volume,
        progress: Callable[[int, int], None] | None = None,
        *,
        memory_gb: float | None = None,
        wanted: Box | None = None,
        needed: Callable[[Box], bool] | None = None,
        results: Sequence[Volume] | None = None,
    ) -> dict[str, Volume]:
        """Run over a normalised volume in tiles as large as memory allows.

        Where memory runs out nevertheless, tiles of half the size are tried.

        Parameters
        ----------
        volume : (z, y, x) float32
            At the model's voxel size.
        progress : callable, optional
            Called with (strips of tiles done, strips in all).
        memory_gb : float, optional
            What the network may use; default `default_memory_gb`.
        wanted : three (int, int), optional
            The part of the volume whose result is wanted; elsewhere nothing is written.
        needed : callable, optional
            Of that part, tiles are left out for whose kept voxels it says no.
        results : sequence of (z, y, x) float32, optional
            Arrays to write to, in the order of the outputs; default: new ones of zeros.

        Returns
        -------
        dict
            `results` by the outputs' names.

        Raises
        ------
        ModelError
            The network returns what it may not, or does not end.
        """
        spec = self.spec
        if results is None:
            results = [np.zeros(volume.shape, np.float32) for _ in spec.outputs]
        shape = (volume.shape[0], volume.shape[1], volume.shape[2])
        tiles = self.plan(shape, memory_gb, wanted)
        while True:
            left = [tile for tile in tiles if needed is None or needed(kept_box(tile))]
            try:
                predict(volume, self.run, results, left, progress, self.strips)
            except ModelError as error:
                raise ModelError(f"{self.path}: {error}") from error
            except Exception as error:  # onnxruntime has no class for it
                held = voxels_in_memory(tiles, self.strips)
                tiles = self._plan_tiles(shape, held / 2, wanted)
                if not _out_of_memory(error) or voxels_in_memory(tiles, self.strips) >= held:
                    raise
            else:
                return dict(zip(spec.outputs, results, strict=True))
            finally:
                self.release()

    def plan(
        self, shape: Shape, memory_gb: float | None = None, wanted: Box | None = None
    ) -> list[Tile]:
        """Cut a volume of `shape` (z, y, x) into tiles for `predict`; parameters are its own."""
        memory_gb = default_memory_gb() if memory_gb is None else memory_gb
        return self._plan_tiles(shape, memory_gb * GB / self.spec.bytes_per_voxel, wanted)

    def _plan_tiles(self, shape: Shape, max_voxels: float, wanted: Box | None) -> list[Tile]:
        spec = self.spec
        return plan_tiles(shape, max_voxels, spec.halo, spec.divisor, wanted, self.strips)


def _out_of_memory(error: Exception) -> bool:
    """Whether an error of onnxruntime, CUDA or numpy says that memory ran out."""
    text = str(error).lower()
    signs = ("bad allocation", "bad_alloc", "failed to allocate", "out of memory")
    return isinstance(error, MemoryError) or any(sign in text for sign in signs)


def load_model(
    name: str | Path = DEFAULT_MODEL,
    *,
    device: Device = "auto",
    threads: int | None = None,
    memory_gb: float | None = None,
) -> Model:
    """Start a model.

    Parameters
    ----------
    name : str or path
        A shipped model's name or a file.
    device : {"auto", "cpu", "cuda"}
        ``auto`` takes CUDA where it starts and the CPU otherwise; ``cuda`` insists.
    threads : int, optional
        CPU threads; default `default_threads`.
    memory_gb : float, optional
        See `Model`; on a GPU also the limit of its memory.

    Raises
    ------
    FileNotFoundError
        No such model.
    ModelError
        It has no or impossible metadata, fails `vesimod.network.trial`, or see `find_model`.
    DeviceError
        ``cuda`` was asked for and did not start.
    MissingRuntimeError
        No onnxruntime is installed.
    """
    ort = import_runtime()
    path = find_model(name)
    blob = path.read_bytes()
    thread_notes = wish_notes() if threads is None else ()
    threads = checked_threads(threads)
    session, notes = _start(
        ort, path, blob, providers_for(device, ort, threads, memory_gb), threads
    )
    started = tuple(session.get_providers())
    if device == "cuda" and ON_GPU not in started:
        raise DeviceError(
            f"`device='cuda'`: CUDA did not start, only {', '.join(started)}; "
            "`vesimod info` shows the driver and wheels, `device='cpu'` runs without a GPU"
        )
    properties = session.get_modelmeta().custom_metadata_map
    if METADATA_KEY not in properties:
        raise ModelError(
            f"{path}: carries no '{METADATA_KEY}' metadata; export it with vesimod-train export"
        )
    where = "cuda" if ON_GPU in started else "cpu"
    try:
        spec = ModelSpec.from_json(properties[METADATA_KEY])
        _check_graph(session, spec)
        runner = Runner(ort, session, spec, where)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    digest = hashlib.sha256(blob).hexdigest()
    parts = (runner, runner.strips, runner.release)
    return Model(spec, path, digest, started, memory_gb, *parts, (*notes, *thread_notes))


def _start(
    ort: Any, path: Path, blob: bytes, wanted: Sequence[Any], threads: int
) -> tuple[Any, tuple[str, ...]]:
    """Start a session, and say what was wanted for it and did not start."""
    session = start_session(ort, path, blob, wanted, threads)
    openvino = OPENVINO in session.get_providers()
    if takes_strips(session):
        if openvino:  # which takes the defaults of a graph's optional inputs for constants
            session = start_session(ort, path, blob, ON_CPU, threads)
        return session, ()
    missed = not openvino and any(OPENVINO in each for each in wanted)
    return session, (NO_OPENVINO,) if missed else ()


def _check_graph(session: Any, spec: ModelSpec) -> None:
    """Compare the graph's inputs and outputs with the spec."""
    inputs = [node.name for node in session.get_inputs()]
    names = [node.name for node in session.get_outputs()]
    absent = [name for name in spec.outputs if name not in names]
    if inputs != ["volume"] or absent:
        raise ModelError(
            f"graph has inputs {inputs} and outputs {names}, its metadata promises "
            f"['volume'] and {list(spec.outputs)}; re-export it"
        )
