"""The machine that the performance benchmarks run on, and the volume that they use."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

SHAPE = (128, 256, 256)  # of the recipe `validation`
SIZE_NM = 2.2
SEED = 9001
MEGA = 1e6
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PRODUCT = """
import time, numpy
a = numpy.random.default_rng(0).normal(size=(2048, 2048)).astype(numpy.float32)
a @ a
times = []
for _ in range(5):
    start = time.process_time()
    a @ a
    times.append(time.process_time() - start)
print(2 * 2048**3 / min(times))
"""


def describe_machine() -> str:
    """Processor, memory and versions, in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    wide = "with" if any("avx512f" in line for line in lines) else "without"
    packages = ", ".join(f"{p} {version(p)}" for p in ("numpy", "onnxruntime", "torch"))
    return (
        f"{name}, {os.cpu_count()} cores {wide} AVX-512, {memory:.0f} GB; {platform.system()}, "
        f"Python {platform.python_version()}, {packages}; load {os.getloadavg()[0]:.1f}"
    )


def product_rate() -> float:
    """Operations per second of a float32 matrix product of numpy on one thread."""
    command = [sys.executable, "-c", PRODUCT]
    return float(subprocess.check_output(command, env=os.environ | ONE_THREAD, text=True))
