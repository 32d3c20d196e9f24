"""Work together with a person in 3dmod: they save a model, we refine it, 3dmod loads the result.

No click gets lost
------------------
* The state at the start and every state that 3dmod saved are copied to the history, whether or not
  there is anything to refine in them, before the file is changed.
* Right before the refined model is loaded, 3dmod is asked to save once more. Points that were
  added since the first save are refined too, until two saves in a row agree in all that is drawn.
* A click in the moment between that save and the load is known to 3dmod as a change; it asks
  "Save current model?", and with "Yes" the click comes in with the next round.
* A save that crosses with ours is noticed, since the replaced file is held open for a while,
  and kept in the history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from vesimod_imod.live.refining import Placed, Refined
from vesimod_imod.live.saved_elsewhere import SavedElsewhere
from vesimod_imod.live.scatter_clicks import clicks_in_contours
from vesimod_imod.live.viewer import REPLY_S, Viewer
from vesimod_imod.live.watched_model import POLL_S, History, WatchedModel
from vesimod_imod.model.chunks import Chunk, ModFile

LAST_SAVE_S = 1.0
_BY_HAND = (b"OBJT", b"CONT", b"LABL", b"SIZE", b"COST")
Refine = Callable[[ModFile, Sequence[Placed] | None], Refined]


class Session:
    """Refine a model whenever it is saved.

    Parameters
    ----------
    file : WatchedModel
        The model.
    refine : callable
        From a saved model, and the points known before, to a refined one.
    say : callable
        Tells the person something.
    viewer : Viewer, optional
        The 3dmod to load the refined model into; without it the person has to. It may be
        set later.
    """

    def __init__(
        self,
        file: WatchedModel,
        refine: Refine,
        say: Callable[[str], None],
        viewer: Viewer | None = None,
    ) -> None:
        self.history = History(file.path)
        self._file = file
        self._refine = refine
        self._say = say
        self.viewer = viewer
        self._known: list[Placed] | None = None
        self._waiting = False  # for 3dmod to answer
        self._reported: str | None = None
        self._elsewhere = SavedElsewhere(file.path, file.model)
        self._saves = 0
        self._in_contours: dict[int, int] = {}

    def start(self) -> None:
        """Refine the points that the model holds already, before anybody looks at it."""
        self.history.keep(self._file.content, "start")
        refined = self._refine(self._file.model, None)
        if not refined.changed or self._put(refined):
            self._settle(refined)

    def run(self, stop: Callable[[], bool]) -> None:
        """Go on until `stop` says so, then take in a last save."""
        try:
            while not stop():
                self.poll()
                time.sleep(POLL_S)
            before = self._file.content
            model = self._file.wait(LAST_SAVE_S)
            if model is not None and (self._waiting or self._file.content != before):
                self._take_in(model)
            self.say_where_saves_went()
        finally:
            self._check_crossing()
            self._file.close()

    def poll(self) -> None:
        """Look once whether there is something to do."""
        self._check_crossing()
        self._say_elsewhere(self._elsewhere.look())
        model = self._file.saved()
        if model is None and self._waiting and self.viewer and self.viewer.answered_late():
            model = self._file.model
        if model is not None:
            self._take_in(model)
        elif self._file.damage != self._reported:
            self._reported = self._file.damage
            if self._reported:
                self._say(f"{self._reported}; save the model again")

    def _take_in(self, model: ModFile) -> None:
        """From a saved model to spheres on the screen."""
        self._saves += 1
        self.history.keep(self._file.content, "saved")
        refined = self._refine(model, self._known)
        while refined.changed and self._driving():
            latest = self._saved_now()
            if latest is None and not self._driving():
                break
            if latest is None:
                self._waiting = True
                self._say("3dmod does not answer; if it asks a question, answer it")
                return
            if _drawn(latest) == _drawn(model):
                break
            model = latest
            self.history.keep(self._file.content, "saved")
            refined = self._refine(model, self._known)
        self._waiting = False
        if refined.changed and not self._put(refined):
            return  # it was saved again in this very moment: the next poll takes that in
        self._settle(refined)
        self._say_what_is_not_refined()
        if not refined.changed:
            return
        if self.viewer is None:
            self._say("to see it: File > Reload Model in 3dmod")
        elif self.viewer.running and not self.viewer.load(self._file.path):
            self._say("3dmod did not load the model; use its menu File > Reload Model")

    def _driving(self) -> bool:
        return self.viewer is not None and self.viewer.running

    def _saved_now(self) -> ModFile | None:
        """Return the model as it is in 3dmod at this moment; None without an answer."""
        if self.viewer is None or not self.viewer.save():
            return None
        return self._file.wait(REPLY_S)

    def _put(self, refined: Refined) -> bool:
        """Write the refined model and keep a copy of it; False if it is too late."""
        self._check_crossing()
        if not self._file.replace(refined.model):
            return False
        self.history.keep(self._file.content, "refined")
        return True

    def _settle(self, refined: Refined) -> None:
        self._known = refined.points
        for remark in refined.remarks:
            self._say(remark)
        spheres = sum(p.point.sized and not p.point.rejected for p in refined.points)
        self._say(
            f"{spheres} spheres" if refined.changed else f"nothing to refine, {spheres} spheres"
        )

    def _say_what_is_not_refined(self) -> None:
        """Tell the person of clicks in objects whose contours may be drawn: once for each state."""
        clicks = clicks_in_contours(self._file.model)
        if clicks != self._in_contours:
            for number, count in clicks.items():
                self._say(
                    f"object {number + 1}: {count} points in contours look like clicks and are not "
                    "refined; make it scattered in 3dmod (Edit > Object > Type) and save"
                )
        self._in_contours = clicks

    def _say_elsewhere(self, others: list[Path]) -> None:
        """Tell the person that 3dmod saves to another file now."""
        for other in others:
            self._say(
                f"{other.name} was saved beside {self._file.path.name}: after File > Save Model As "
                "3dmod saves only there, and nothing of it is refined; open "
                f"{self._file.path.name} again with File > Open Model"
            )

    def say_where_saves_went(self) -> None:
        """Tell the person at the end what did not reach the model; `run` does so by itself."""
        self._say_elsewhere(self._elsewhere.look(at_once=True))
        mine = self._file.path.name
        for other in sorted(self._elsewhere.found):
            self._say(f"what was saved as {other.name} is not in {mine}; go on with: {other}")
        if not self._saves and not self._elsewhere.found:
            self._say(f"nothing was saved to {mine}")

    def _check_crossing(self) -> None:
        """Keep what 3dmod wrote to the file that we had just replaced."""
        content = self._file.crossed()
        if content is not None:
            path = self.history.keep(content, "crossed")
            self._say(f"a save of yours crossed with ours; it is kept as {path}: look at it")


def _drawn(model: ModFile) -> list[Chunk]:
    """Return what a person draws and clicks; views change with every save."""
    return [chunk for chunk in model.chunks if chunk[0] in _BY_HAND]
