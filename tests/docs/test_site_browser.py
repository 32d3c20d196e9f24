"""The site in a browser, opened from file:// at desk and phone width."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from browser import CHROMIUM, DRIVER, MISSING, chromium

pytest.importorskip("selenium", reason="pip install selenium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING),
    # selenium leaves it to the interpreter to close its sockets
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
WAITED = 30.0  # seconds at most


def as_phone(driver, width: int) -> None:
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.mark.parametrize("width", [1400, 390])
def test_pages_fit_and_complain_of_nothing(site: Path, tmp_path: Path, width: int) -> None:
    with chromium(tmp_path, width) as driver:
        if width < 600:
            as_phone(driver, width)
        # 404.html is what a server shows; its addresses begin at the server's root.
        for file in sorted(set(site.rglob("*.html")) - {site / "404.html"}):
            driver.get(file.as_uri())
            wide = driver.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, f"{file.name} scrolls sideways"
            if width < 600:  # letters in drawings stay large enough to be read
                small = "i.src.endsWith('.svg') && i.width < 600"
                tiny = f"return [...document.images].filter(i => {small}).map(i => i.src)"
                assert driver.execute_script(tiny) == [], file.name
            broken = "return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
            assert driver.execute_script(broken) == [], file.name
        assert not [each for each in driver.get_log("browser") if each["level"] == "SEVERE"]
        assert not [e for e in driver.get_log("performance") if '"url":"http' in e["message"]]


def test_search_works_from_a_file(site: Path, tmp_path: Path) -> None:
    with chromium(tmp_path) as driver:
        driver.get((site / "index.html").as_uri())
        field = driver.find_element("css selector", "input.md-search__input")
        field.click()
        field.send_keys("tilt series")
        end = time.monotonic() + WAITED
        found: list[str] = []
        while not found and time.monotonic() < end:
            time.sleep(0.2)
            results = driver.find_elements("css selector", "a.md-search-result__link")
            found = [each.get_attribute("href") for each in results]
        assert any("troubleshooting.html" in address for address in found)
        assert not [e for e in driver.get_log("performance") if '"url":"http' in e["message"]]
