"""ONNX sessions: find a model, start it on the device that was asked for, run it on a volume."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vesimod.contract import METADATA_KEY, ModelError, ModelSpec
from vesimod.tiling import predict

Volume = npt.NDArray[np.float32]
Device = Literal["auto", "cpu", "cuda"]
DEFAULT_MODEL = "fast"
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
    run : callable
        Takes a normalised tile (z, y, x) float32, returns one array per output.
    """

    spec: ModelSpec
    path: Path
    sha256: str
    providers: tuple[str, ...]
    run: Callable[[Volume], list[Volume]]

    def predict(
        self, volume: Volume, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Volume]:
        """Run over a normalised volume (z, y, x) in tiles; return arrays by output name."""
        spec = self.spec
        arrays = predict(
            volume, self.run, len(spec.outputs), spec.tile, spec.halo, spec.divisor, progress
        )
        return dict(zip(spec.outputs, arrays, strict=True))


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
    name: str = DEFAULT_MODEL, *, device: Device = "auto", threads: int | None = None
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
    wanted = providers_for(device, ort)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # failures are reported in our own words below
    try:
        with quiet_stderr():
            session = ort.InferenceSession(blob, options, providers=wanted)
    except Exception as error:  # onnxruntime's own exceptions share no base class but this
        raise ModelError(
            f"{path}: no ONNX model that onnxruntime {ort.__version__} can run "
            f"({_first_line(error)})"
        ) from error
    started = tuple(session.get_providers())
    if device == "cuda" and "CUDAExecutionProvider" not in started:
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

    def run(tile: Volume) -> list[Volume]:
        arrays = session.run(list(spec.outputs), {"volume": tile[None, None]})
        return [np.asarray(array, np.float32)[0, 0] for array in arrays]

    return Model(spec, path, hashlib.sha256(blob).hexdigest(), started, run)


def import_runtime() -> Any:
    """Import onnxruntime, or say which extra to install."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingRuntimeError(INSTALL_HINT) from error
    return onnxruntime


def providers_for(device: Device, ort: Any) -> list[str]:
    """List the execution providers to ask for, best first."""
    available = ort.get_available_providers()
    wanted = [] if device == "cpu" else ["CUDAExecutionProvider"]
    if device == "auto":
        wanted = [name for name in wanted if name in available]
    if device == "cuda" and "CUDAExecutionProvider" not in available:
        raise DeviceError(
            f"--device cuda: onnxruntime {ort.__version__} as installed has no CUDA "
            "(pip uninstall onnxruntime, then pip install 'vesimod[gpu]'); --device cpu runs"
        )
    if wanted and hasattr(ort, "preload_dlls"):
        with quiet_stderr():
            ort.preload_dlls()  # finds CUDA and cuDNN that pip installed
    return [*wanted, "CPUExecutionProvider"]


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
