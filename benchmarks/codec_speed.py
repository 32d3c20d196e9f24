"""How long models of many spheres take to write and to read.

python benchmarks/codec_speed.py [--spheres 100000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import join_chunks, parse_chunks
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model


def best_of_three(work: Callable[[], Any]) -> tuple[float, float]:
    """Shortest of three runs in seconds, by the wall clock and by the processor's."""
    runs = []
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(runs)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--spheres", type=int, default=100_000)
    n = parser.parse_args().spheres
    rng = np.random.default_rng(0)
    spheres = Spheres(rng.random((n, 3)) * 1000, rng.uniform(15, 30, n), rng.random(n))
    grid = Grid((1000, 1000, 1000), (1.0, 1.0, 1.0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.mod"
        write_sphere_model(path, spheres, grid)
        data = path.read_bytes()
        model = read_mod(path)
        rows = [
            ("bytes to chunks", lambda: parse_chunks(data)),
            ("chunks to bytes", lambda: join_chunks(model)),
            ("file to typed objects", lambda: objects_of(read_mod(path))),
            ("file to spheres", lambda: read_sphere_model(path, grid)),
            ("spheres to file", lambda: write_sphere_model(path, spheres, grid, overwrite=True)),
        ]
        print(f"{n} contours of one point with label, size and value; {len(data) / 1e6:.1f} MB")
        print("| step | s | CPU s |\n|---|---:|---:|")
        for name, work in rows:
            wall, cpu = best_of_three(work)
            print(f"| {name} | {wall:.2f} | {cpu:.2f} |")


if __name__ == "__main__":
    main()
