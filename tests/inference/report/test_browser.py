"""Reports in a browser, opened from file://: what a person does with them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import painted
import pytest
from browser import CHROMIUM, DRIVER, MISSING, chromium
from vesimod.cli import app, run_app
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import write_volume
from vesimod.report.batch_page import Line, write_batch_page
from vesimod.review.correction_table import read_corrections
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

pytest.importorskip("plotly", reason="reports need pip install 'vesimod[report]'")
pytest.importorskip("selenium", reason="pip install selenium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING),
    # selenium leaves it to the interpreter to close its sockets
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
GRID = Grid((40, 90, 90), (3.0, 3.0, 3.0))
TICKED = 30.0  # seconds to wait at most


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tomogram with 16 vesicles, its model and its report, with two dropped candidates."""
    desk = tmp_path_factory.mktemp("desk")
    centres, radii = painted.scatter(GRID.shape, 3.0, 16, seed=3)
    volume = painted.image(painted.paint(GRID.shape, 3.0, centres, radii), 3.0, snr=0.5)
    write_volume(desk / "t.mrc", volume, GRID)
    radii[2] += 8
    write_sphere_model(desk / "t.mod", Spheres(centres, radii), GRID)
    lost = Spheres(centres[:2] + 4, radii[:2], [0.2, 0.3], [71, 72])
    write_spheres_csv(desk / "lost.csv", lost.with_measures(reason=np.array(["faint", "small"])))
    line = ["report", "t.mrc", "t.mod", "--dropped", "lost.csv", "-o", "t.html", "-q"]
    assert run_app(app, "vesimod", [str(desk / w) if "." in w else w for w in line]) == 0
    return desk


@pytest.fixture
def page(desk: Path):
    with chromium(desk) as driver:
        driver.get((desk / "t.html").as_uri())
        yield driver
        errors = [each for each in driver.get_log("browser") if each["level"] == "SEVERE"]
        assert not errors
        requests = [each["message"] for each in driver.get_log("performance")]
        assert not [each for each in requests if '"url":"http' in each]


def ids(page) -> list[int]:
    """Ids of the cards, in the order in which they stand."""
    cards = page.find_elements("css selector", "#cards .card")
    return [int(card.get_attribute("id").split("-")[-1]) for card in cards]


def choose(page, name: str, value: str) -> None:
    page.execute_script(
        "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
        "e.dispatchEvent(new Event('input'));",
        name,
        value,
    )


def click(page, selector: str) -> None:
    page.execute_script("document.querySelector(arguments[0]).click()", selector)


def test_gallery_sorts_filters_and_leads_to_slices(page) -> None:
    assert ids(page)[0] == 3  # the one with a wrong radius
    choose(page, "sort", "id")
    assert ids(page) == list(range(16, 0, -1))
    click(page, "#ascending")
    page.execute_script("document.getElementById('ascending').dispatchEvent(new Event('input'))")
    assert ids(page) == list(range(1, 17))
    choose(page, "filter", "id")
    choose(page, "least", "4")
    choose(page, "most", "6")
    assert ids(page) == [4, 5, 6]
    choose(page, "filter", "")
    choose(page, "words", "clearer membrane has a radius")
    assert 3 in ids(page)
    assert len(ids(page)) < 16
    choose(page, "words", "")
    # From a card to its section, where its outline is, and back to the card.
    before = page.find_element("id", "section").text
    click(page, "#card-vesicles-1 .go")
    click(page, "#card-vesicles-12 .go")
    outline = page.find_element("css selector", "#overlay circle[data-id='12']")
    assert page.find_element("id", "section").text != before
    page.execute_script("arguments[0].dispatchEvent(new Event('mouseenter'))", outline)
    assert "vesicle 12: " in page.find_element("id", "tip").text
    page.execute_script("arguments[0].dispatchEvent(new Event('click'))", outline)
    card = page.find_element("id", "card-vesicles-12")
    assert "target" in card.get_attribute("class")
    assert "3dmod: object 1, contour 12" in card.text


def test_outlines_lie_where_the_spheres_are(page, desk: Path) -> None:
    spheres = read_sphere_model(desk / "t.mod").spheres
    click(page, "#card-vesicles-5 .go")
    section = int(page.find_element("id", "section").text.split()[1]) - 1
    circle = page.find_element("css selector", "#overlay circle[data-id='5']")
    cx, cy, r = (float(circle.get_attribute(name)) for name in ("cx", "cy", "r"))
    z, y, x = spheres.centres[4]
    per_voxel = 860 / 90
    assert (cx, cy) == pytest.approx(((x + 0.5) * per_voxel, 860 - (y + 0.5) * per_voxel), abs=0.1)
    off_nm = (z - section) * 3
    assert r == pytest.approx(np.sqrt(spheres.radii_nm[4] ** 2 - off_nm**2) / 3 * per_voxel, abs=2)


def test_ticks_become_corrections_that_merge_takes(page, desk: Path) -> None:
    click(page, "#export")  # nothing ticked: nothing to save
    assert "nothing is ticked" in page.find_element("id", "ticked").text
    click(page, "#card-vesicles-3 input[name=wrong]")
    click(page, "#card-vesicles-7 input[name=wrong]")
    click(page, "#card-vesicles-7 input[name=right]")  # changed one's mind
    choose(page, "which", "dropped")
    assert sorted(ids(page)) == [71, 72]
    assert "dropped: small" in page.find_element("id", "card-dropped-72").text
    click(page, "#card-dropped-72 input[name=missed]")
    click(page, "#marking")
    for share in (0.25, 0.5):
        page.execute_script(
            "const e = document.getElementById('stage'), b = e.getBoundingClientRect();"
            "e.dispatchEvent(new MouseEvent('click', {clientX: b.left + b.width / 2,"
            "clientY: b.top + b.height * arguments[0]}))",
            share,
        )
    assert "3 missed" in page.find_element("id", "ticked").text
    page.execute_script(  # the second one was a slip
        "document.querySelectorAll('#overlay .missed')[1].dispatchEvent(new Event('click'))"
    )
    assert page.find_element("id", "ticked").text == "1 wrong, 1 right, 2 missed"
    click(page, "#export")
    table = wait_for(desk / "t_corrections.csv")
    rows = read_corrections(table)
    assert [(row.verdict, row.predicted_id, row.corrected_id) for row in rows] == [
        ("removed", 3, None),
        ("kept", 7, 7),
        ("added", None, 17),
        ("added", None, 18),
    ]
    assert rows[3].y == pytest.approx(0.75 * 90 - 0.5, abs=0.5)
    assert rows[3].x == pytest.approx(0.5 * 90 - 0.5, abs=0.5)
    merged = desk / "merged.mod"
    line = ["merge", str(table), str(desk / "t.mod"), "-o", str(merged)]
    assert run_app(app, "vesimod", line) == 0
    after = read_sphere_model(merged).spheres
    before = read_sphere_model(desk / "t.mod").spheres
    assert len(after) == 15 + 2
    apart = np.linalg.norm(after.centres - before.centres[2], axis=1)
    assert apart.min() > 1  # the wrong one is gone


def wait_for(file: Path) -> Path:
    """Wait until a download is complete."""
    end = time.monotonic() + TICKED
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.1)
    return file


def test_distributions_and_space_are_drawn_when_they_are_looked_at(page) -> None:
    assert page.execute_script("return typeof Plotly") == "undefined"
    page.execute_script("document.getElementById('space').scrollIntoView()")
    end = time.monotonic() + 2 * TICKED
    while time.monotonic() < end and not page.find_elements("css selector", "#spheres canvas"):
        time.sleep(0.5)
    assert page.find_elements("css selector", "#spheres canvas")
    page.execute_script("document.getElementById('plots').scrollIntoView()")
    while time.monotonic() < end and not page.find_elements("css selector", "#plot-grid .main-svg"):
        time.sleep(0.5)
    assert page.find_elements("css selector", "#plot-grid .main-svg")


def test_the_page_of_a_batch_sorts(tmp_path: Path) -> None:
    lines = [Line(f"t{k}", "done", vesicles=n) for k, n in enumerate([30, 9, 100, 28, 31])]
    lines[0] = Line("t0", "done", vesicles=30, link="t0_report.html", notes=("a <b>note",))
    lines.append(Line("t5", "failed"))
    write_batch_page(tmp_path / "b.html", lines)
    with chromium(tmp_path) as driver:
        driver.get((tmp_path / "b.html").as_uri())
        names = lambda: [e.text for e in driver.find_elements("css selector", "td.name")]
        assert names() == ["t0", "t1", "t2", "t3", "t4", "t5"]
        heading = driver.find_element("css selector", "th:nth-child(3)")
        heading.click()
        assert names() == ["t1", "t3", "t0", "t4", "t2", "t5"]
        heading.click()
        assert names() == ["t2", "t4", "t0", "t3", "t1", "t5"]  # what is not known stays last
        marked = driver.find_elements("css selector", "tr.stands-out td.name")
        assert {each.text for each in marked} == {"t1", "t2", "t5"}
        assert not [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]
