"""Arrays in temporary files have space behind them, or are refused."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from vesimod.errors import disk_is_full, in_words
from vesimod.io.scratch import new_volume

SHAPE = (50, 70, 90)


@pytest.mark.parametrize("how", ["reserved", "written", "not supported here"])
def test_space_is_on_the_disk_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if how == "written":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    if how == "not supported here":

        def refuse(*_: int) -> None:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    free = os.statvfs(tmp_path)
    volume = new_volume(SHAPE, in_file=True)
    used = (free.f_bfree - os.statvfs(tmp_path).f_bfree) * free.f_frsize
    assert volume.shape == SHAPE
    assert volume.dtype == np.float32
    assert not volume.any()
    if how == "reserved":  # written data reaches the disk later
        assert used > 0.5 * volume.nbytes
    volume[-1] = 1.0
    assert volume.sum() == 70 * 90


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left") as raised:
        new_volume(SHAPE, in_file=True)
    assert disk_is_full(raised.value)
    words = in_words(raised.value)
    assert words.startswith(f"{tmp_path}: No space left on device: 0.0013 GB are needed there")
    assert "TMPDIR" in words
