"""A model file that another program saves now and then, and the history of its states."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vesimod_imod.core.files import atomic_path
from vesimod_imod.model.chunks import ModFile, ModFormatError, join_chunks, parse_chunks

POLL_S = 0.03
STILL_S = 0.1  # a file that has not changed for so long is no longer being written
COARSE_CLOCK_S = 3.0  # some file systems count time in steps of 2 s
DAMAGED_S = 2.0
CROSSING_S = 2.0
_REPLACE_TRIES = 40


class WatchedModel:
    """A model file that 3dmod writes in place: not whole at every moment.

    It counts as saved when it stands still and can be read to its end.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    content : bytes
        The last whole state that was seen or written.

    Raises
    ------
    ModFormatError, OSError
        It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = path.read_bytes()
        self.model = parse_chunks(self.content, path)
        self._replaced = b""
        self._problem: str | None = None
        self._former: IO[bytes] | None = None
        self._former_until = 0.0
        self._state: tuple[int, int] | None = None
        self._since = 0.0

    def saved(self) -> ModFile | None:
        """Return the model if it was saved anew and is complete, else None."""
        data = self._still()
        if data is None or data == self.content or not self._take(data):
            return None
        return self.model

    def wait(self, timeout_s: float) -> ModFile | None:
        """Return the model as soon as it stands still, new or not; None after `timeout_s`."""
        self._state = None
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            time.sleep(POLL_S)
            data = self._still()
            if data is not None and self._take(data):
                return self.model
        return None

    @property
    def damage(self) -> str | None:
        """Why the file cannot be read though it stands still; None where it can."""
        return self._problem if time.monotonic() - self._since > DAMAGED_S else None

    def replace(self, model: ModFile) -> bool:
        """Put another model in its place, all or nothing.

        Returns
        -------
        bool
            False, and nothing was done, if the file is no longer what was last seen.
        """
        data = join_chunks(model)
        for tries_left in reversed(range(_REPLACE_TRIES)):
            former = self.path.open("rb")
            try:
                if former.read() != self.content:
                    former.close()
                    return False
                if os.name == "nt":  # no file that is open can be replaced there
                    former.close()
                with atomic_path(self.path) as temporary:
                    temporary.write_bytes(data)
                break
            except PermissionError:  # Windows: 3dmod is just writing it
                former.close()
                if not tries_left:
                    raise
                time.sleep(POLL_S)
        self.close()
        self._former, self._former_until = former, time.monotonic() + CROSSING_S
        self._replaced, self.content, self.model = self.content, data, model
        return True

    def crossed(self) -> bytes | None:
        """Return what 3dmod wrote to the former file in the moment it was replaced, if it did.

        The former file is held open for a while, so that its content is still there.
        """
        if self._former is None or self._former.closed:
            return None
        self._former.seek(0)
        content = self._former.read()
        crossed = content != self._replaced and content.endswith(b"IEOF")
        if crossed or time.monotonic() > self._former_until:
            self._former.close()
        return content if crossed else None

    def close(self) -> None:
        """Let go of the former file."""
        if self._former is not None:
            self._former.close()

    def _still(self) -> bytes | None:
        """Return the file's bytes if it has not changed for a moment, else None."""
        try:
            status = self.path.stat()
            state = (status.st_size, status.st_mtime_ns)
            if state != self._state:
                self._state, self._since = state, time.monotonic()
                return None
            quiet_s = time.monotonic() - self._since
            if quiet_s < STILL_S or quiet_s > COARSE_CLOCK_S:
                return None
            return self.path.read_bytes()
        except OSError:  # 3dmod is just renaming it
            return None

    def _take(self, data: bytes) -> bool:
        """Take these bytes for the model's new state if they are whole."""
        try:
            self.model = parse_chunks(data, self.path)
        except ModFormatError as error:
            self._problem = str(error)
            return False
        self.content, self._problem = data, None
        return True


class History:
    """Numbered copies of a model's states, in a folder beside it.

    Parameters
    ----------
    model : Path
        ``cell.mod`` has its history in ``cell_history``.
    """

    def __init__(self, model: Path) -> None:
        self.folder = model.with_name(f"{model.stem}_history")

    def keep(self, content: bytes, what: str) -> Path:
        """Write a copy as ``0007-what.mod``; return its path.

        A state that the newest copy holds already is not written again: then that one's path.
        """
        self.folder.mkdir(exist_ok=True)
        number, newest = max(self._copies(), default=(0, None))
        if newest is not None and newest.read_bytes() == content:
            return newest
        path = self.folder / f"{number + 1:04d}-{what}.mod"
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        return path

    def _copies(self) -> Iterator[tuple[int, Path]]:
        """Yield the copies that are there, with their numbers."""
        for path in self.folder.glob("[0-9]*-*.mod"):
            number = path.name.partition("-")[0]
            if number.isdecimal():
                yield int(number), path
