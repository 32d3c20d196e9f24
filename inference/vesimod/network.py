"""ONNX sessions: find a model, start it on the device that was asked for, run it on a volume."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vesimod.contract import METADATA_KEY, ModelError, ModelSpec
from vesimod.memory import GB, default_memory_gb
from vesimod.rows import Runner, takes_pieces
from vesimod.tiling import (
    Box,
    Network,
    Pieces,
    Shape,
    Tile,
    kept_box,
    plan_tiles,
    predict,
    voxels_in_memory,
)

Volume = npt.NDArray[np.float32]
Device = Literal["auto", "cpu", "cuda"]
DEFAULT_MODEL = "fast"
OPENVINO, ON_GPU = "OpenVINOExecutionProvider", "CUDAExecutionProvider"
RUNTIME_WHEELS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
INSTALL_HINT = (
    "onnxruntime is not installed: pip install 'vesimod[cpu]', or 'vesimod[gpu]' for an NVIDIA card"
)


class DeviceError(RuntimeError):
    """The device that was asked for did not come up."""


class MissingRuntimeError(ImportError):
    """No onnxruntime wheel is installed."""


@dataclass(frozen=True, eq=False)
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
        next piece needs: not for two threads at once.
    pieces : Pieces or None
        How it takes a tile piece by piece; None where it cannot.
    release : callable
        Gives back the memory that is kept from one tile to the next.
    """

    spec: ModelSpec
    path: Path
    sha256: str
    providers: tuple[str, ...]
    memory_gb: float | None
    run: Network
    pieces: Pieces | None
    release: Callable[[], None]

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
            Called with (pieces of tiles done, pieces in all).
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
        """
        spec = self.spec
        if results is None:
            results = [np.zeros(volume.shape, np.float32) for _ in spec.outputs]
        shape = (volume.shape[0], volume.shape[1], volume.shape[2])
        tiles = self.plan(shape, memory_gb, wanted)
        while True:
            left = [tile for tile in tiles if needed is None or needed(kept_box(tile))]
            try:
                predict(volume, self.run, results, left, progress, self.pieces)
            except Exception as error:  # onnxruntime has no class for it
                held = voxels_in_memory(tiles, self.pieces)
                tiles = self._plan_tiles(shape, held / 2, wanted)
                if not _out_of_memory(error) or voxels_in_memory(tiles, self.pieces) >= held:
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
        return plan_tiles(shape, max_voxels, spec.halo, spec.divisor, wanted, self.pieces)


def _out_of_memory(error: Exception) -> bool:
    """Whether an error of onnxruntime, CUDA or numpy says that memory ran out."""
    text = str(error).lower()
    signs = ("bad allocation", "bad_alloc", "failed to allocate", "out of memory")
    return isinstance(error, MemoryError) or any(sign in text for sign in signs)


def shipped_models() -> dict[str, Path]:
    """Models that came with vesimod: name to file."""
    # In an installed wheel models/ lies inside the package, in a checkout at its top.
    folders = [Path(str(resources.files("vesimod"))) / "models"]
    folders.append(Path(__file__).resolve().parents[2] / "models")
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.onnx")):
            found.setdefault(path.stem, path)
    return found


def find_model(name: str) -> Path:
    """Path of a shipped model or of an ``.onnx`` file.

    Raises
    ------
    FileNotFoundError
        There is neither; the message lists the shipped models.
    """
    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if path.is_file():
        return path
    raise FileNotFoundError(
        f"{name}: neither a file nor a shipped model ({', '.join(shipped) or 'none shipped'})"
    )


def load_model(
    name: str = DEFAULT_MODEL,
    *,
    device: Device = "auto",
    threads: int | None = None,
    memory_gb: float | None = None,
) -> Model:
    """Start a model.

    Parameters
    ----------
    name : str
        A shipped model's name or a path.
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
        The file is no ONNX model, or carries no vesimod metadata.
    DeviceError
        ``cuda`` was asked for and did not start.
    MissingRuntimeError
        No onnxruntime is installed.
    """
    ort = import_runtime()
    path = find_model(name)
    blob = path.read_bytes()
    threads = threads or default_threads()
    wanted = providers_for(device, ort, threads, memory_gb)
    session = _start(ort, path, blob, wanted, threads)
    if OPENVINO in session.get_providers() and takes_pieces(session):
        # It takes the defaults of a graph's optional inputs for constants.
        session = _start(ort, path, blob, ["CPUExecutionProvider"], threads)
    started = tuple(session.get_providers())
    if device == "cuda" and ON_GPU not in started:
        raise DeviceError(
            f"--device cuda: CUDA did not start, only {', '.join(started)}; "
            "`vesimod info` shows the driver and wheels, --device cpu runs without a GPU"
        )
    properties = session.get_modelmeta().custom_metadata_map
    if METADATA_KEY not in properties:
        raise ModelError(
            f"{path}: carries no '{METADATA_KEY}' metadata; export it with vesimod-train export"
        )
    try:
        spec = ModelSpec.from_json(properties[METADATA_KEY])
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    _check_graph(path, session, spec)
    where = "cuda" if ON_GPU in started else "cpu"
    runner = Runner(ort, session, spec, where)
    digest = hashlib.sha256(blob).hexdigest()
    return Model(spec, path, digest, started, memory_gb, runner, runner.pieces, runner.release)


def _start(ort: Any, path: Path, blob: bytes, providers: Sequence[Any], threads: int) -> Any:
    """Start a session, or say why not."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Memory stays with the session from tile to tile, which saves an eighth of the time. Planning
    # it ahead ("pattern") would double it.
    options.enable_mem_pattern = False
    # In the order of the file, what a piece leaves for the next is taken before it is in the way.
    options.execution_order = ort.ExecutionOrder.PRIORITY_BASED
    options.log_severity_level = 4  # failures are reported in our own words
    try:
        with quiet_stderr():
            return ort.InferenceSession(blob, options, providers=providers)
    except Exception as error:  # onnxruntime's own exceptions share no base class but this
        raise ModelError(
            f"{path}: no ONNX model that onnxruntime {ort.__version__} can run "
            f"({_first_line(error)})"
        ) from error


def import_runtime() -> Any:
    """Import onnxruntime, or say which extra to install."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingRuntimeError(INSTALL_HINT) from error
    return onnxruntime


def providers_for(
    device: Device, ort: Any, threads: int, memory_gb: float | None = None
) -> list[str | tuple[str, dict[str, str]]]:
    """List the execution providers to ask for, best first, with their options."""
    available = ort.get_available_providers()
    wanted = [] if device == "cpu" else [ON_GPU]
    if device == "auto":
        wanted = [name for name in wanted if name in available]
    if device == "cuda" and ON_GPU not in available:
        raise DeviceError(
            f"--device cuda: onnxruntime {ort.__version__} as installed has no CUDA "
            "(pip uninstall onnxruntime, then pip install 'vesimod[gpu]'); --device cpu runs"
        )
    if wanted and hasattr(ort, "preload_dlls"):
        with quiet_stderr():
            ort.preload_dlls()  # finds CUDA and cuDNN that pip installed
    # All tiles of a volume have one size, so that searching for the best algorithm pays.
    options = {"cudnn_conv_algo_search": "EXHAUSTIVE", "cudnn_conv_use_max_workspace": "1"}
    if memory_gb is not None:
        options["gpu_mem_limit"] = str(int(memory_gb * GB))
    providers: list[str | tuple[str, dict[str, str]]] = [(name, options) for name in wanted]
    if OPENVINO in available:  # the same numbers in less time on Intel's and AMD's CPUs
        providers.append((OPENVINO, {"device_type": "CPU", "num_of_threads": str(threads)}))
    return [*providers, "CPUExecutionProvider"]


def runtime_wheels() -> dict[str, str]:
    """Installed onnxruntime wheels and their versions. More than one is a clash."""
    found = {}
    for name in RUNTIME_WHEELS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def default_threads() -> int:
    """CPU threads to use: one core stays free for the person at the PC.

    ``OMP_NUM_THREADS`` counts where it is set, as in IMOD's programs; only cores that this
    process may run on are counted.
    """
    with contextlib.suppress(ValueError):
        wish = int(os.environ.get("OMP_NUM_THREADS", ""))
        if wish > 0:
            return wish
    affinity = getattr(os, "sched_getaffinity", None)  # absent on Windows
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return cores if cores <= 2 else cores - 1


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hide what native code writes to stderr while a provider is tried."""
    try:
        saved = os.dup(2)
    except OSError:  # no stderr, e.g. pythonw on Windows
        yield
        return
    try:
        with Path(os.devnull).open("wb") as sink:
            os.dup2(sink.fileno(), 2)
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def _check_graph(path: Path, session: Any, spec: ModelSpec) -> None:
    """Compare the graph's inputs and outputs with the contract."""
    inputs = [node.name for node in session.get_inputs()]
    names = [node.name for node in session.get_outputs()]
    absent = [name for name in spec.outputs if name not in names]
    if inputs != ["volume"] or absent:
        raise ModelError(
            f"{path}: graph has inputs {inputs} and outputs {names}, its metadata promises "
            f"['volume'] and {list(spec.outputs)}; re-export it"
        )


def _first_line(error: Exception) -> str:
    """First line of an error's text, shortened."""
    text = str(error).strip().splitlines() or [type(error).__name__]
    return text[0][:200]
