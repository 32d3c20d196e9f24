"""Tomograms of a batch that differ from the others, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from vesimod.report.batch_page import Line, check_batch_page, reasons, write_batch_page
from vesimod.report.stand_outs import stand_outs


def test_what_is_unusual_is_named() -> None:
    columns = {"count": [30, 31, 29, 90, None, 5], "radius": [20.0, 20.1, 19.9, 20, 20, 20.2]}
    said = stand_outs(columns)
    assert [len(each) for each in said] == [0, 0, 0, 1, 0, 1]
    assert said[3] == ["count is high: 90, others about 30"]
    assert said[5] == ["count is low: 5, others about 30"]


def test_a_few_do_not_tell_what_is_usual() -> None:
    assert stand_outs({"count": [1, 100, None]}) == [[], [], []]
    assert stand_outs({}) == []


def test_lines_are_marked_for_what_they_say() -> None:
    lines = [
        Line("a", "failed"),
        Line("b", "done", vesicles=0),
        Line("c", "done", vesicles=3, notes=("40 vesicles have bright membranes",)),
        Line("d", "done", vesicles=3),
    ]
    assert [each[:1] for each in reasons(lines)] == [
        ["failed"],
        ["no vesicle was found"],
        ["membranes look bright"],
        [],
    ]


def test_only_a_page_of_ours_is_replaced(tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="reports need pip install 'vesimod[report]'")
    page = tmp_path / "report.html"
    check_batch_page(page)
    write_batch_page(page, [Line("a <b>", "done", vesicles=2, link="a%20report.html")])
    check_batch_page(page)
    text = page.read_text(encoding="utf-8")
    assert "a &lt;b&gt;" in text
    assert 'href="a%20report.html"' in text
    page.write_text("my thesis", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not a report of vesimod's"):
        check_batch_page(page)
