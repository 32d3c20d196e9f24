"""Time and memory of post-processing against the number of vesicles.

    python benchmarks/postprocess_speed.py [250 500 1000 2000]

One process a row, one thread, a 512x512x200 volume of 16-bit voxels of 2.2 nm on disk and a
probability map on the same grid. The map is painted, so that no network is needed. Linux only
(memory is read from /proc).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHAPE = (200, 512, 512)
SIZE = (2.2, 2.2, 2.2)


def row(count: int) -> None:
    import resource

    import numpy as np

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
    from painted import paint, scatter, truth_map
    from vesimod.vesicles.detect import find_spheres

    centres, radii = scatter(SHAPE, SIZE, count, gap_nm=1.0, radius_nm=(16.0, 24.0))
    noise = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.i2"
        volume = np.memmap(path, np.int16, "w+", shape=SHAPE)
        density = paint(SHAPE, SIZE, centres, radii)
        for z in range(SHAPE[0]):
            plane = density[z] + noise.standard_normal(SHAPE[1:], np.float32)
            volume[z] = np.rint(500 * plane)
        del density
        probability = truth_map(SHAPE, SIZE, centres, radii)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        before = pages * resource.getpagesize() // 1024
        start = time.process_time()
        found = find_spheres(volume, SIZE, probability, SIZE)
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        del volume
    extra = max(peak - before, 0) / 1024
    print(f"| {len(radii)} | {len(found.spheres)} | {seconds:.1f} | {extra:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[250, 500, 1000, 2000])
    parser.add_argument("--row", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row is not None:
        row(options.row)
        return
    float_mb = 4 * SHAPE[0] * SHAPE[1] * SHAPE[2] / 2**20
    print(f"volume: {float_mb / 2:.0f} MiB on disk, probability {float_mb:.0f} MiB")
    print("| vesicles | found | CPU seconds | MiB used on top |")
    print("|---:|---:|---:|---:|", flush=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for count in options.counts:
        subprocess.run([sys.executable, __file__, "--row", str(count)], check=True, env=environment)


if __name__ == "__main__":
    main()
