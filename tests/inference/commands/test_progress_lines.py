"""Progress in a log: a line per tenth, and one a minute where a tenth takes longer."""

from __future__ import annotations

import pytest
from vesimod.commands import console


def test_a_log_is_never_silent_for_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
    with console.progress() as report:
        for done in range(101):
            report("network", 10 * done, 1000)
        quick = capsys.readouterr().err.splitlines()
        for done in range(101):
            clock[0] += 45.0
            report("spheres", done, 1000)
    assert quick == [f"run the network: {percent} %" for percent in range(0, 101, 10)]
    slow = capsys.readouterr().err.splitlines()
    assert len(slow) == 51  # at once, then every 90 s: the first report after a minute
    assert slow[:2] == ["fit spheres: 0 %", "fit spheres: 0 %"]
    assert slow[-1] == "fit spheres: 10 %"
