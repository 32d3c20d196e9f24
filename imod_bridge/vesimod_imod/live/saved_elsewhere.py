"""Noticing that 3dmod saves under another name: what it saves there never reaches us.

After *File > Save Model As* every later save goes to the new file, without a word.
"""

from __future__ import annotations

import time
from pathlib import Path

from vesimod_imod.core.errors import VesimodError
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.header import image_reference_of

_LOOK_S = 1.0
_MOST_BYTES = 1 << 28  # no model is that large; the folder may hold tomograms


class SavedElsewhere:
    """Models beside ours that 3dmod saves while we watch.

    Parameters
    ----------
    path : Path
        Our model.
    model : ModFile
        What it holds.
    """

    def __init__(self, path: Path, model: ModFile) -> None:
        self._path, self._image = path, image_reference_of(model)
        self._known: dict[Path, tuple[int, int]] = {}
        self._known = self._states()
        self._next_look = 0.0
        self.found: set[Path] = set()

    def look(self, *, at_once: bool = False) -> list[Path]:
        """Return models that were saved since the last look, once each.

        Nobody looks more often than once a second, unless `at_once`.
        """
        if time.monotonic() < self._next_look and not at_once:
            return []
        self._next_look = time.monotonic() + _LOOK_S
        states = self._states()
        changed = [path for path, state in states.items() if self._known.get(path) != state]
        new = [path for path in changed if path not in self.found and self._is_ours(path)]
        # One that cannot be read yet is still being written: it counts as changed once more.
        self._known |= {path: states[path] for path in changed if path in new or _whole(path)}
        self.found |= set(new)
        return new

    def _states(self) -> dict[Path, tuple[int, int]]:
        """Size and time of each file beside our model that may be one."""
        states = {}
        try:
            for path in self._path.parent.iterdir():
                hidden = path.name.startswith(".") or path.name.endswith("~")
                if hidden or path.name == self._path.name or not path.is_file():
                    continue
                status = path.stat()
                if status.st_size < _MOST_BYTES:
                    states[path] = (status.st_size, status.st_mtime_ns)
        except OSError:  # something was renamed just now: look again later
            return self._known
        return states

    def _is_ours(self, path: Path) -> bool:
        """Whether 3dmod saved it, with its views, on the image that our model lies on."""
        try:
            with path.open("rb") as stream:
                if stream.read(4) != b"IMOD":
                    return False
            model = read_mod(path)
        except (OSError, VesimodError):
            return False
        by_3dmod = any(tag == b"VIEW" for tag, _ in model.chunks)
        return by_3dmod and image_reference_of(model) == self._image


def _whole(path: Path) -> bool:
    """Whether a file is no model, or one that is written to its end."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return data[:4] != b"IMOD" or data.endswith(b"IEOF")
