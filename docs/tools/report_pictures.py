"""Take the pictures of docs/images that show reports: `python docs/tools/report_pictures.py`.

Needs Chromium and its driver, and the extras `report` and `train`. Tomograms are those of
`vesimod demo`, and in the batch simulated ones beside them.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image
from vesimod.cli import app, run_app
from vesimod_train.simulate import RECIPES, simulate, write_simulated

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))
from browser import chromium

IMAGES = Path(__file__).resolve().parents[1] / "images"
DEMO = Path(str(resources.files("vesimod"))) / "demo"
WIDTH, HEIGHT = 1400, 857  # of the window; pictures are smaller
SHOWN = (1000, 612)
OTHERS = 6  # tomograms in the batch beside the demo


def vesimod(*words: object) -> None:
    """Run a command line; it must succeed."""
    line = [*map(str, words), "--quiet"]
    if run_app(app, "vesimod", line):
        sys.exit(f"failed: vesimod {' '.join(line)}")


def write_reports(folder: Path) -> None:
    """Write the report of a batch with its tomograms, and that of a synapse with membranes."""
    shutil.copy(DEMO / "demo.mrc", folder / "TS_01_rec.mrc")
    recipe = replace(RECIPES["demo"], shape=(64, 128, 128), vesicles=(16, 20))
    for number in range(2, 2 + OTHERS):
        write_simulated(folder, f"TS_{number:02}_rec", simulate(recipe, number), overwrite=False)
    vesimod("batch", folder / "TS_*_rec.mrc", "-o", folder / "batch", "--report")
    synapse, membranes = folder / "synapse_rec.mrc", folder / "membranes.mod"
    shutil.copy(DEMO / "synapse.mrc", synapse)
    vesimod("membrane", synapse, DEMO / "synapse_guide.mod", "-o", membranes)
    vesimod("segment", synapse, "--region", membranes)
    vesimod("report", synapse, folder / "synapse_rec_vesicles.mod", "--contours", membranes,
            "-o", folder / "synapse.html")  # fmt: skip


def take(driver: Any, page: Path, selector: str, name: str) -> None:
    """Write what a window of the page shows from an element on."""
    driver.get(page.as_uri())
    driver.execute_script(f"document.querySelector({selector!r}).scrollIntoView()")
    driver.execute_script("window.scrollBy(0, -48)")  # below the bar at the top
    time.sleep(3)  # pictures and plots are drawn when they are looked at
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    picture.crop((0, 0, WIDTH, HEIGHT)).resize(SHOWN).save(IMAGES / name, quality=82)


def main() -> None:
    """Make reports and take their pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_reports(folder)
        batch = folder / "batch"
        (demo,) = batch.glob("TS_01*.html")
        with chromium(folder, WIDTH, HEIGHT + 200) as driver:
            take(driver, demo, "body", "report-head.jpg")
            take(driver, demo, "#gallery", "report-gallery.jpg")
            take(driver, demo, "#plots", "report-plots.jpg")
            take(driver, folder / "synapse.html", "#spheres", "report-space.jpg")
            take(driver, batch / "report.html", "body", "report-batch.jpg")


if __name__ == "__main__":
    main()
