"""How large and how quick a report with thousands of vesicles is: ``report_scaling.py [COUNT]``.

Needs Chromium and its driver. Prints the size, the time to write it, the time until the first
picture stands in the browser, and until the gallery is sorted anew.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod.report.html import write_report
from vesimod.report.subject import Subject
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from browser import chromium
from painted import paint, scatter

NM = 3.0
SORT = """
const start = performance.now();
document.getElementById('sort').value = 'radius_nm';
document.getElementById('sort').dispatchEvent(new Event('input'));
document.body.offsetHeight;
return performance.now() - start;
"""


def main(count: int) -> None:
    side = round(560 * np.sqrt(count / 2000))
    grid = Grid((160, side, side), (NM, NM, NM))
    centres, radii = scatter(grid.shape, NM, count, gap_nm=2, radius_nm=(14.0, 22.0))
    noise = np.random.default_rng(0).standard_normal(grid.shape, np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        volume = paint(grid.shape, NM, centres, radii) + noise
        write_volume(folder / "t.mrc", volume.astype(np.float32), grid)
        write_sphere_model(folder / "t.mod", Spheres(centres, radii), grid)
        tomogram = read_tomogram(folder / "t.mrc")
        reading = read_sphere_model(folder / "t.mod", grid)
        start = time.process_time()
        write_report(folder / "t.html", Subject(tomogram, folder / "t.mod", reading))
        print(f"{len(radii)} vesicles, {grid.in_words} voxels")
        print(f"written in {time.process_time() - start:.1f} s of CPU time")
        print(f"size {(folder / 't.html').stat().st_size / 1e6:.1f} MB")
        with chromium(folder) as driver:
            start = time.monotonic()
            driver.get((folder / "t.html").as_uri())
            print(f"first picture after {time.monotonic() - start:.1f} s")
            print(f"sorted gallery after {driver.execute_script(SORT) / 1000:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
