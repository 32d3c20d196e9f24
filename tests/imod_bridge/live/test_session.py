"""Refining a model while somebody works on it in 3dmod: a stand-in plays 3dmod and the person."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fake3dmod
import numpy as np
import pytest
from vesimod_imod.core.object_names import REJECTED
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.live.point_edits import points_of
from vesimod_imod.live.refining import Found, refine
from vesimod_imod.live.session import Session
from vesimod_imod.live.viewer import Viewer, find_3dmod
from vesimod_imod.live.watched_model import History, WatchedModel
from vesimod_imod.model.chunks import join_chunks
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((60, 100, 120), (2.0, 2.0, 2.0), origin_nm=(0.0, 30.0, -8.0))
VESICLES = np.array([[20.0, 30.0, 40.0], [30.0, 60.0, 80.0], [40.0, 70.0, 30.0]])
RADII_NM = np.array([20.0, 24.0, 18.0])
PATIENCE_S = 20.0


def find(clicks, taken: Spheres) -> Found:
    """The vesicle within 10 voxels of a click, if no sphere is there yet."""
    centres, radii, reasons = [], [], []
    for click in clicks:
        distance = np.linalg.norm(VESICLES - click, axis=1)
        best = int(np.argmin(distance))
        there = np.linalg.norm(taken.centres - VESICLES[best], axis=1) < 3
        reason = "no membrane" if distance[best] > 10 else "has a sphere" if there.any() else ""
        centres.append(click if reason else VESICLES[best])
        radii.append(np.nan if reason else RADII_NM[best])
        reasons.append(reason)
    return Found(np.array(centres), np.array(radii), reasons)


def near(number: int, *offset: float) -> str:
    """Model coordinates x y z of a place near a vesicle."""
    z, y, x = VESICLES[number] + (offset or (2.0, -3.0, 1.5))
    return f"{x + 0.5} {y + 0.5} {z}"


class Desk:
    """A person at 3dmod, a session that helps, and means to wait for what happens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "cell.mod"
        write_sphere_model(self.model, Spheres(VESICLES[:1], RADII_NM[:1]), GRID)
        self.said: list[str] = []
        self.viewer: Viewer | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def sit_down(self, *, driving: bool = True) -> None:
        if driving:
            program = [sys.executable, fake3dmod.__file__, str(self.folder)]
            self.viewer = Viewer(program, self.folder / "tomo.mrc", self.model)
        session = Session(
            WatchedModel(self.model),
            lambda model, known: refine(model, known, GRID, find),
            self.said.append,
            self.viewer,
        )
        session.start()

        def work() -> None:
            try:
                session.run(self._stop.is_set)
            except BaseException as failure:
                self._failure = failure

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def sit_down_again(self) -> None:
        """Come back another day."""
        for name in ("person.txt", "log.txt"):
            (self.folder / name).unlink()
        self.said.clear()
        self._stop.clear()
        self.sit_down()

    def does(self, *acts: str) -> None:
        with (self.folder / "person.txt").open("a") as stream:
            stream.write("".join(f"{act}\n" for act in acts))

    def wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if self._failure is not None:
                raise self._failure
            assert time.monotonic() < end, f"waited in vain; said {self.said}, log {self.log}"
            time.sleep(0.02)

    @property
    def log(self) -> list[str]:
        file = self.folder / "log.txt"
        return file.read_text().splitlines() if file.exists() else []

    def spheres(self) -> Spheres:
        try:
            reading = read_sphere_model(self.model, GRID)
        except (OSError, ValueError):
            return Spheres.empty()
        good = [
            reading.object_names[n - 1] != REJECTED and source == "explicit"
            for n, source in zip(reading.object_number, reading.radius_source, strict=True)
        ]
        return reading.spheres.select(np.array(good, bool))

    def history(self) -> list[str]:
        return sorted(p.name for p in (self.folder / "cell_history").glob("*"))

    def leave(self) -> None:
        if self.viewer is not None:
            if self.viewer.running:
                self.viewer.close()
            self.viewer.wait()
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.leave()


def loads(desk: Desk) -> int:
    return sum(line.startswith("action 7") for line in desk.log)


def test_clicks_become_spheres_on_the_screen(desk: Desk) -> None:
    desk.sit_down()
    desk.does(f"click {near(1)}", f"click {near(2)}", "save")
    desk.wait_until(lambda: loads(desk) == 1)
    spheres = desk.spheres()
    np.testing.assert_allclose(spheres.centres, VESICLES, atol=1e-4)
    np.testing.assert_allclose(spheres.radii_nm, RADII_NM, rtol=1e-5)
    assert spheres.ids.tolist() == [1, 2, 3]
    # 3dmod was asked for what it holds right before, and for model mode right after.
    actions = [line for line in desk.log if line.startswith("action")]
    assert actions == ["action 2", "action 7 cell.mod", "action 6 1"]
    desk.wait_until(lambda: "3 spheres" in desk.said)
    assert (
        "point at x 83, y 58, z 33 is sphere 2: radius 24.0 nm, 7.8 nm from where you put it"
        in (desk.said)
    )
    assert desk.history() == ["0001-start.mod", "0002-saved.mod", "0003-refined.mod"]
    assert not read_sphere_model(desk.folder / "cell_history" / "0002-saved.mod").labelled[1:].any()


def test_a_click_on_nothing_is_marked_and_not_tried_again(desk: Desk) -> None:
    desk.sit_down()
    desk.does("click 10 10 10", "save")
    desk.wait_until(lambda: loads(desk) == 1)
    desk.wait_until(
        lambda: "point at x 11, y 11, z 11: no sphere (no membrane); marked in red" in desk.said
    )
    assert len(desk.spheres()) == 1
    rejected = [p for p in points_of(read_mod(desk.model)) if p.rejected]
    np.testing.assert_allclose([p.xyz for p in rejected], [[10, 10, 10]])
    desk.said.clear()
    desk.does("save")
    desk.wait_until(lambda: desk.said == ["nothing to refine, 1 spheres"])
    # Moved onto a vesicle it becomes a sphere; a click on a sphere adds nothing.
    desk.does(f"move 1 {near(2)}", f"click {near(0)}", "save")
    desk.wait_until(lambda: len(desk.spheres()) == 2)
    desk.wait_until(lambda: any("(has a sphere)" in text for text in desk.said))


def test_what_a_person_decides_is_kept(desk: Desk) -> None:
    desk.sit_down()
    desk.does(f"click {near(1)}", f"click {near(2)}", "save")
    desk.wait_until(lambda: loads(desk) == 1)
    desk.said.clear()
    desk.does("size 0 13", f"move 1 {near(1, 1, 1, 1)}", "delete 2", "save")
    desk.wait_until(lambda: loads(desk) == 2)
    desk.wait_until(lambda: "2 spheres" in desk.said)
    assert desk.said == [
        "sphere 1: the radius that you set is kept",
        "sphere 2: radius 24.0 nm, 3.5 nm from where you put it",
        "sphere 3: deleted by you",
        "2 spheres",
    ]
    spheres = desk.spheres()
    assert spheres.ids.tolist() == [1, 2]
    np.testing.assert_allclose(spheres.centres, VESICLES[:2], atol=1e-4)
    np.testing.assert_allclose(spheres.radii_nm, [26.0, 24.0], rtol=1e-5)
    # Moved to where nothing is, a sphere stays as the person wants it.
    desk.does("move 1 110 90 50", "save")
    desk.wait_until(lambda: any("left there" in text for text in desk.said))
    np.testing.assert_allclose(desk.spheres().centres[1], [50, 89.5, 109.5], atol=1e-4)
    np.testing.assert_allclose(desk.spheres().radii_nm[1], 24.0, rtol=1e-5)


@pytest.mark.parametrize("moment", ["2", "7"])
def test_a_click_between_save_and_load_is_not_lost(desk: Desk, moment: str) -> None:
    desk.sit_down()
    desk.does(f"before {moment} click {near(2)}", f"click {near(1)}", "save")
    desk.wait_until(lambda: len(desk.spheres()) == 3)
    np.testing.assert_allclose(sorted(desk.spheres().radii_nm), sorted(RADII_NM), rtol=1e-5)
    desk.wait_until(lambda: desk.log[-2:] == ["action 7 cell.mod", "action 6 1"])
    # In the last moment before the load only 3dmod itself can know of it, and asks.
    assert ("asked: Save current model? Yes" in desk.log) == (moment == "7")


def test_a_save_between_our_look_and_our_write_is_not_overwritten(desk: Desk) -> None:
    file = WatchedModel(desk.model)
    theirs = desk.model.read_bytes() + b"later"
    desk.model.write_bytes(theirs)
    assert not file.replace(file.model)
    assert desk.model.read_bytes() == theirs


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced on Windows")
def test_a_save_that_crosses_with_ours_is_found_in_the_replaced_file(desk: Desk) -> None:
    file = WatchedModel(desk.model)
    content = desk.model.read_bytes()
    with desk.model.open("rb+") as theirs:  # 3dmod has it open for writing ...
        assert file.replace(file.model)
        assert file.crossed() is None
        theirs.write(content.replace(b"vesicles", b"VESICLES"))  # ... and writes to it now
    crossed = file.crossed()
    assert crossed is not None
    assert b"VESICLES" in crossed
    assert file.crossed() is None
    file.close()


def test_a_file_is_not_taken_before_it_is_whole(desk: Desk) -> None:
    file = WatchedModel(desk.model)
    whole = desk.model.read_bytes().replace(b"vesicles", b"VESICLES")
    desk.model.write_bytes(whole[: len(whole) // 2])
    for _ in range(8):
        assert file.saved() is None
        time.sleep(0.05)
    desk.model.write_bytes(whole)
    seen = []
    desk.wait_until(lambda: bool(seen.append(file.saved()) or seen[-1]))
    assert join_chunks(seen[-1]) == whole
    assert file.saved() is None


def test_a_damaged_file_is_reported_once_and_left_alone(desk: Desk) -> None:
    desk.sit_down(driving=False)
    whole = desk.model.read_bytes()
    desk.model.write_bytes(whole[:-20])
    desk.wait_until(lambda: any("save the model again" in text for text in desk.said))
    assert desk.model.read_bytes() == whole[:-20]
    assert sum("save the model again" in text for text in desk.said) == 1


def test_a_deaf_3dmod_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesimod_imod.live import viewer as viewer3dmod

    monkeypatch.setattr(viewer3dmod, "REPLY_S", 0.3)
    desk.sit_down()
    desk.does("deaf 1.5", f"click {near(1)}", "save")
    desk.wait_until(lambda: any("does not answer" in text for text in desk.said))
    assert len(desk.spheres()) == 1  # nothing is written behind its back
    desk.wait_until(lambda: loads(desk) == 1)
    assert len(desk.spheres()) == 2


def test_the_last_save_before_quitting_is_refined(desk: Desk) -> None:
    desk.sit_down()
    desk.does(f"click {near(1)}", "save", "quit")
    assert desk.viewer is not None
    desk.viewer.wait()
    desk.leave()
    assert len(desk.spheres()) == 2
    assert not desk.viewer.running


def test_watching_without_driving(desk: Desk) -> None:
    desk.sit_down(driving=False)
    fake = fake3dmod.Fake3dmod(desk.folder, desk.model)
    fake.person(f"click {near(1)}")
    fake.person("click 10 10 10")
    fake.save()
    desk.wait_until(lambda: len(desk.spheres()) == 2)
    desk.wait_until(lambda: "to see it: File > Reload Model in 3dmod" in desk.said)
    # The person goes on without loading it: raw clicks are saved again, ids stay.
    desk.said.clear()
    fake.person(f"click {near(2)}")
    fake.save()
    desk.wait_until(lambda: len(desk.spheres()) == 3)
    desk.wait_until(lambda: "3 spheres" in desk.said)
    assert len(desk.said) == 3, desk.said
    assert "is sphere 3" in desk.said[0]
    assert desk.spheres().ids.tolist() == [1, 2, 3]
    assert sum(p.rejected for p in points_of(read_mod(desk.model))) == 1


def test_points_without_radius_are_refined_before_anybody_looks(desk: Desk) -> None:
    unsized = Spheres(VESICLES + 1.0, np.array([np.nan, np.nan, 30.0]))
    write_sphere_model(desk.model, unsized, GRID, overwrite=True)
    desk.sit_down(driving=False)
    np.testing.assert_allclose(desk.spheres().centres, [*VESICLES[:2], VESICLES[2] + 1], atol=1e-4)
    np.testing.assert_allclose(desk.spheres().radii_nm, [20, 24, 30], rtol=1e-5)


def test_the_object_is_made_ready_for_clicks(desk: Desk) -> None:
    desk.sit_down()
    assert desk.viewer is not None
    assert desk.viewer.click_into(0)
    actions = [line for line in desk.log if line.startswith("action")]
    assert actions == ["action 11 1 2 -1 -1 -1", "action 15 1 1 -1 -1", "action 6 1"]


def test_3dmod_that_does_not_start(tmp_path: Path) -> None:
    model = tmp_path / "two words.mod"
    with pytest.raises(ValueError, match="rename the model"):
        Viewer(["3dmod"], tmp_path / "t.mrc", model)
    with pytest.raises(OSError, match="nonesuch"):
        Viewer([str(tmp_path / "nonesuch")], tmp_path / "t.mrc", tmp_path / "a.mod")
    program = [sys.executable, "-c", "import sys; sys.exit('cannot open display')"]
    viewer = Viewer(program, tmp_path / "t.mrc", tmp_path / "a.mod")
    assert viewer.wait() == 1
    assert not viewer.click_into(0)
    assert list(viewer.last_words) == ["cannot open display"]


def test_history_goes_on_counting(tmp_path: Path) -> None:
    for content in (b"x", b"y", b"y"):  # the last one adds nothing
        path = History(tmp_path / "a.mod").keep(content, "saved")
    assert path == tmp_path / "a_history" / "0002-saved.mod"
    path.rename(path.with_name("9999-saved.mod"))
    assert History(tmp_path / "a.mod").keep(b"z", "saved").name == "10000-saved.mod"
    assert History(tmp_path / "a.mod").keep(b"z", "saved").name == "10000-saved.mod"


def test_sessions_that_refine_nothing_keep_every_state_too(desk: Desk) -> None:
    start = desk.model.read_bytes()
    desk.sit_down()
    desk.does("size 0 9.0", "save")
    desk.wait_until(lambda: any("the radius that you set" in line for line in desk.said))
    resized = desk.model.read_bytes()
    desk.leave()
    desk.sit_down_again()
    desk.does("delete 0", "save")
    desk.wait_until(lambda: "sphere 1: deleted by you" in desk.said)
    desk.leave()
    states = [p.read_bytes() for p in sorted((desk.folder / "cell_history").iterdir())]
    assert desk.history() == ["0001-start.mod", "0002-saved.mod", "0003-saved.mod"]
    assert states == [start, resized, desk.model.read_bytes()]


def test_saving_under_another_name_is_said_then_and_at_the_end(desk: Desk) -> None:
    (desk.folder / "other.mod").write_bytes(desk.model.read_bytes())  # not saved by 3dmod
    desk.sit_down()
    desk.does(f"click {near(1)}", "saveas new.mod")
    desk.wait_until(lambda: any("new.mod was saved beside cell.mod" in line for line in desk.said))
    (desk.folder / "other.mod").write_bytes(desk.model.read_bytes() + b"")
    desk.leave()
    assert desk.said[-1].startswith("what was saved as new.mod is not in cell.mod; go on with: ")
    assert not any("other.mod" in line for line in desk.said)
    assert len(desk.spheres()) == 1


def test_an_outline_drawn_between_two_saves_is_not_lost(desk: Desk) -> None:
    desk.sit_down()
    desk.does(f"click {near(1)}", "before 2 outline", "save")
    desk.wait_until(lambda: loads(desk) == 1)
    drawn = [item for item in objects_of(read_mod(desk.model)) if item.kind == "closed"]
    assert [len(item.points) for item in drawn] == [3]
    assert not any("look like clicks" in line for line in desk.said)
    assert len(desk.spheres()) == 2


@pytest.mark.skipif(
    not (os.environ.get("IMOD_DIR") and os.environ.get("DISPLAY")),
    reason="IMOD_DIR or DISPLAY is not set",
)
def test_the_real_3dmod_saves_and_loads_on_command(tmp_path: Path, shared: Path) -> None:
    program = find_3dmod()
    assert program is not None
    source = shared / "saved-by-3dmod"
    model = tmp_path / "cell.mod"
    shutil.copyfile(source / "original.mod", model)
    viewer = Viewer([str(program)], source / "tomo.mrc", model)
    assert viewer.click_into(0), list(viewer.last_words)
    file = WatchedModel(model)
    assert viewer.save()
    saved = file.wait(20)
    assert saved is not None
    assert objects_of(saved)[0].points_per_contour == 1
    grid = Grid((60, 100, 120), (1.0, 1.0, 1.0))
    moved = read_sphere_model(model, grid).spheres.centres + 2.0
    spheres = Spheres(moved, np.full(len(moved), 9.0))
    write_sphere_model(model, spheres, grid, overwrite=True)
    assert viewer.load(model)
    assert viewer.save()
    assert file.wait(20) is not None
    np.testing.assert_allclose(read_sphere_model(model, grid).spheres.centres, moved, atol=1e-3)
    viewer.close()
    viewer.wait()
