"""onnxruntime: what is installed, on which devices it starts, and with which settings."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from vesimod_imod.core.errors import InputError, MissingPackageError, VesimodError

from vesimod.network.memory import GB
from vesimod.network.spec import ModelError

Device = Literal["auto", "cpu", "cuda"]
OPENVINO, ON_GPU = "OpenVINOExecutionProvider", "CUDAExecutionProvider"
ON_CPU = ["CPUExecutionProvider"]
MOST_THREADS = 1024
RUNTIME_WHEELS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
NO_OPENVINO = (
    "OpenVINO is installed but did not start: the network runs without it, five times as long; "
    'install one onnxruntime wheel alone, "vesimod[openvino]" (`vesimod info` lists the wheels)'
)
INSTALL_HINT = (
    'onnxruntime is not installed: pip install "vesimod[cpu]", or instead "vesimod[gpu]" for an '
    'NVIDIA card, "vesimod[openvino]" for the 8-bit models (without internet: docs/offline.md)'
)


class DeviceError(VesimodError, RuntimeError):
    """The device that was asked for did not come up."""


class MissingRuntimeError(MissingPackageError):
    """No onnxruntime wheel is installed."""


def start_session(ort: Any, path: Path, blob: bytes, providers: Sequence[Any], threads: int) -> Any:
    """Start a session on the best of the providers that starts, or else on the CPU.

    Raises
    ------
    ModelError
        The file is not a model that onnxruntime can run.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Memory stays with the session from tile to tile, which saves an eighth of the time. Planning
    # it ahead ("pattern") would double it.
    options.enable_mem_pattern = False
    # In the order of the file, what a strip leaves for the next is taken before it is in the way.
    options.execution_order = ort.ExecutionOrder.PRIORITY_BASED
    options.log_severity_level = 4  # failures are reported in our own words
    try:
        with quiet_stderr():
            # Its own way back to the CPU prints to stdout.
            return ort.InferenceSession(blob, options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime's own exceptions share no base class but this
        if list(providers) != ON_CPU:
            return start_session(ort, path, blob, ON_CPU, threads)
        raise ModelError(
            f"{path}: not an ONNX model that onnxruntime {ort.__version__} can run "
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
            f"`device='cuda'`: onnxruntime {ort.__version__} as installed has no CUDA "
            "(pip uninstall onnxruntime, then pip install \"vesimod[gpu]\"); `device='cpu'` runs"
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
    return [*providers, *ON_CPU]


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
    if wish := _wished_threads():
        return wish
    affinity = getattr(os, "sched_getaffinity", None)  # absent on Windows
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return cores if cores <= 2 else cores - 1


def wish_notes() -> tuple[str, ...]:
    """Say where ``OMP_NUM_THREADS`` is set to what no number of threads can be."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if not wish.strip() or _wished_threads():
        return ()
    return (
        f"OMP_NUM_THREADS is {wish!r}, no whole number from 1 to {MOST_THREADS}: "
        f"{default_threads()} threads are used",
    )


def _wished_threads() -> int | None:
    """Threads by ``OMP_NUM_THREADS``, whose further numbers are of nested loops."""
    with contextlib.suppress(ValueError):
        wish = int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])
        if 1 <= wish <= MOST_THREADS:
            return wish
    return None


def checked_threads(threads: int | None) -> int:
    """Return the number of threads that was asked for, or else the default.

    Raises
    ------
    InputError
        No machine could have so many, or it is none.
    """
    if threads is None:
        return default_threads()
    if not 1 <= threads <= MOST_THREADS:
        raise InputError(
            f"`threads={threads}`: must be 1 to {MOST_THREADS}; leave it out for one for each core "
            "but one"
        )
    return threads


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


def _first_line(error: Exception) -> str:
    """First line of an error's text, shortened."""
    text = str(error).strip().splitlines() or [type(error).__name__]
    return text[0][:200]
