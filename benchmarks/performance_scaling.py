"""How time and memory grow with the tomogram, its vesicles, the threads and --memory-gb.

python benchmarks/performance_scaling.py [--factors 1 2 3] [--size-nm 2.2] [--memory-gb 1 ...]

A simulated volume of 128 x 256 x 256 voxels is laid side by side, mirrored, until it is as many
times longer along each axis, and written as float32: that many times cubed the voxels and the
vesicles. Each row is a process of its own from the file to the sphere model. Memory is the highest
of anonymous and shared pages (RssAnon + RssShmem): what no file of the disk stands behind, so
neither the memory-mapped tomogram nor the temporary files count. The base is what Python, its
packages and the model take before anything is read. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from performance_machine import MEGA, SEED, SIZE_NM, describe_machine

SAMPLING_S = 0.02


def write_big(path: Path, factor: int, size_nm: float) -> None:
    """Write the simulated volume, `factor` times longer along each axis."""
    import mrcfile
    from vesimod_train.simulate import RECIPES, simulate

    smaller = (size_nm / SIZE_NM) ** 3  # the volume, and with it the number of vesicles
    recipe = RECIPES["validation"]
    vesicles = (smaller * recipe.vesicles[0], smaller * recipe.vesicles[1])
    recipe = replace(recipe, voxel_size_nm=size_nm, vesicles=vesicles)
    block = simulate(recipe, SEED).volume.astype(np.float32)
    shape = tuple(factor * n for n in block.shape)
    with mrcfile.new_mmap(path, shape, mrc_mode=2, overwrite=True) as file:
        for place in np.ndindex(factor, factor, factor):
            # Mirrored, so that neighbours fit together and no edge is new to the network.
            flipped = np.flip(block, tuple(axis for axis in range(3) if place[axis] % 2))
            corner = [i * n for i, n in zip(place, block.shape, strict=True)]
            where = tuple(slice(a, a + n) for a, n in zip(corner, block.shape, strict=True))
            file.data[where] = flipped
        file.voxel_size = 10 * size_nm
        file.set_volume()


def child(path: Path, model_name: str, threads: int, memory_gb: float) -> None:
    """Segment one file and print, as JSON, what each step took."""
    from vesimod.network.model import load_model
    from vesimod.pipeline import extra_work
    from vesimod.runs.outputs import Outputs, Settings
    from vesimod.runs.segment_file import prepare, segment_and_write

    model = load_model(model_name, device="cpu", threads=threads, memory_gb=memory_gb)
    print(json.dumps({"base_mb": anonymous_mb(os.getpid())}), flush=True)
    outputs, settings = Outputs(path.with_suffix(".mod")), Settings()
    tomogram = prepare(path, outputs, settings, overwrite=True)
    run, network = model.run, [0.0]

    def timed(rows: np.ndarray, first: bool, last: bool) -> list[np.ndarray]:
        begin = time.process_time()
        answer = run(rows, first, last)
        network[0] += time.process_time() - begin
        return answer

    wall, start = time.perf_counter(), time.process_time()
    result = segment_and_write(
        tomogram, outputs, settings, replace(model, run=timed), overwrite=True
    )
    total = time.process_time() - start
    numbers = {
        "voxels": int(np.prod(tomogram.grid.shape)),
        "found": len(result.spheres),
        "twice": extra_work(tomogram, model),
        "network": network[0],
        "wall": time.perf_counter() - wall,
        "all": total,
    }
    print(json.dumps(numbers), flush=True)


def anonymous_mb(process: int) -> float:
    """Memory of a process in MB that no file stands behind; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kinds = ("RssAnon:", "RssShmem:")
    return sum(int(line.split()[1]) * 1024 / MEGA for line in lines if line.startswith(kinds))


def row(path: Path, model: str, threads: int, memory_gb: float) -> None:
    """Segment a file in a process of its own and print what it took."""
    arguments = [str(path), model, str(threads), str(memory_gb)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    process = subprocess.Popen(
        [sys.executable, __file__, "--child", *arguments],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, anonymous_mb(process.pid))
        time.sleep(SAMPLING_S)
    assert process.stdout is not None
    if process.returncode:
        sys.exit(f"{path.name}: exit code {process.returncode}")
    base, numbers = (json.loads(line) for line in process.stdout)
    million = numbers["voxels"] / MEGA
    rest = numbers["all"] - numbers["network"]
    print(
        f"| {million:.0f} | {numbers['found']} | {threads} | {memory_gb:g} "
        f"| {100 * numbers['twice']:.0f} % "
        f"| {numbers['network'] / million:.3f} | {rest / million:.3f} "
        f"| {numbers['all'] / million:.3f} | {numbers['wall']:.0f} "
        f"| {peak:.0f} | {base['base_mb']:.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", default="fast")
    parser.add_argument("--size-nm", type=float, default=SIZE_NM)
    parser.add_argument("--factors", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--memory-gb", nargs="+", type=float, default=[1.0])
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        path, model, threads, memory_gb = options.child
        child(Path(path), model, int(threads), float(memory_gb))
        return
    print(describe_machine())
    print(f"\n{options.model}, {options.size_nm:g} nm; CPU-s a million voxels of the tomogram\n")
    print(
        "| Mvoxel | found | threads | memory, GB | computed again | network "
        "| the rest | all | wall, s | peak, MB | of it base |"
    )
    print("|" + "---:|" * 11, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for factor in options.factors:
            path = Path(folder) / f"times-{factor}.mrc"
            write_big(path, factor, options.size_nm)
            for threads in options.threads:
                for memory_gb in options.memory_gb:
                    row(path, options.model, threads, memory_gb)
            path.unlink()


if __name__ == "__main__":
    main()
