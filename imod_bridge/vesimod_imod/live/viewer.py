"""A running 3dmod that takes commands from us.

3dmod, started with ``-L``, reads commands from its standard input, one line each, and
answers ``OK`` or ``ERROR`` on its standard error, saves and loads before it acts.

Source: IMOD's man pages *3dmod* and *imodsendevent*, which lists the actions.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from vesimod_imod.core.clean_text import is_printable
from vesimod_imod.core.errors import InputError

REPLY_S = 5.0
START_S = 120.0  # large tomograms take a while to open
_SAVE, _QUIT, _MODE, _LOAD_KEEPING_CONTRAST = "2", "4", "6", "7"
_OBJECT_TYPE, _OBJECT_LIMIT = "11", "15"
_SCATTERED, _AS_IT_IS, _MODEL_MODE = "2", "-1", "1"
_LONGEST_LINE = 250  # 3dmod reads 255 bytes at most


def find_3dmod() -> Path | None:
    """Return the user's 3dmod: on the PATH, else in ``$IMOD_DIR/bin``; None without one."""
    folder = os.environ.get("IMOD_DIR")
    found = shutil.which("3dmod")
    if found is None and folder:
        found = shutil.which("3dmod", path=str(Path(folder) / "bin"))
    return Path(found) if found else None


class Viewer:
    """A 3dmod that shows a tomogram and a model, and listens to us.

    Parameters
    ----------
    program : sequence of str
        The command that starts 3dmod.
    tomogram, model : Path
        What it shows.

    Raises
    ------
    InputError
        3dmod cannot be told the model's name; see `check_name`.
    OSError
        3dmod does not start.
    """

    def __init__(self, program: Sequence[str], tomogram: Path, model: Path) -> None:
        self.check_name(model)
        self._process = subprocess.Popen(
            [*program, "-W", "-L", str(tomogram.absolute()), model.name],
            cwd=model.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Ctrl-C in the terminal must not kill 3dmod with the person's unsaved work.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._replies: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._listening = threading.Event()
        self._closed = False
        self.last_words: deque[str] = deque(maxlen=3)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @staticmethod
    def check_name(model: Path) -> None:
        """Refuse a name that 3dmod cannot be told.

        It takes lines of limited length, and older versions split them at every blank; the
        folder does not matter, since 3dmod is started in it.

        Raises
        ------
        InputError
            The file's name has a blank or a control character in it, or is too long.
        """
        if (
            " " in model.name
            or not is_printable(model.name)
            or len(model.name.encode()) > _LONGEST_LINE - 10
        ):
            raise InputError(
                f"{model}: 3dmod cannot be told a file name with blanks or control characters, or "
                "of such length; rename the model"
            )

    @property
    def running(self) -> bool:
        """Whether 3dmod has not been closed."""
        return not self._closed and self._process.poll() is None

    def wait(self) -> int:
        """Wait until 3dmod has been closed; return its exit code."""
        code = self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        return code

    def save(self) -> bool:
        """Ask it to save the model; return whether it agreed."""
        return self._ask(_SAVE)

    def load(self, model: Path) -> bool:
        """Ask it to load the model keeping contrast, and to stay in model mode."""
        return self._ask(_LOAD_KEEPING_CONTRAST, model.name, _MODE, _MODEL_MODE)

    def click_into(self, number: int) -> bool:
        """Make object `number`, from 0, scattered, with a contour of its own for each click."""
        rest = [_AS_IT_IS] * 3
        scattered = [_OBJECT_TYPE, str(number + 1), _SCATTERED, *rest]
        alone = [_OBJECT_LIMIT, str(number + 1), "1", *rest[:2]]
        # It may answer only when it has read the tomogram.
        return self._ask(*scattered, *alone, _MODE, _MODEL_MODE, timeout_s=START_S)

    def answered_late(self) -> bool:
        """Whether it answered a request that had been given up."""
        return not self._replies.empty()

    def close(self) -> None:
        """Ask it to quit; it asks the person about unsaved changes."""
        self._send(_QUIT)

    def _ask(self, *words: str, timeout_s: float | None = None) -> bool:
        self._listening.wait(START_S)
        while not self._replies.empty():
            self._replies.get_nowait()
        if self._closed or not self._send(" ".join(words)):
            return False
        try:
            return self._replies.get(timeout=timeout_s or REPLY_S)
        except queue.Empty:
            return False

    def _send(self, line: str) -> bool:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has been closed meanwhile
            return False
        return True

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = line.strip()
            if text in ("OK", "ERROR"):
                self._replies.put(text == "OK")
            elif text.startswith("Window id"):
                self._listening.set()
            elif text.startswith("REQUEST STOP LISTENING"):  # on Windows, when it quits
                self._send("")
            elif text:
                self.last_words.append(text)
        # It has been closed: nobody should wait for an answer any more.
        self._closed = True
        self._replies.put(False)
        self._listening.set()
