"""How texts name options, in Python and on the command line."""

from __future__ import annotations

import pytest
from vesimod_imod.core.errors import as_flags


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ("a.mrc: exists; `overwrite=True` replaces it", "a.mrc: exists; --overwrite replaces it"),
        ("give it as `voxel_size_nm`", "give it as --voxel-size-nm"),
        ("`voxel_size_nm=0.01` is too small", "--voxel-size-nm 0.01 is too small"),
        ("`device='cpu'` runs", "--device cpu runs"),
        ("`vesimod info` shows wheels", "`vesimod info` shows wheels"),
        ("quote` or two ` here", "quote` or two ` here"),
        ("nothing", "nothing"),
    ],
)
def test_keywords_become_flags(python, shell) -> None:
    assert as_flags(python) == shell
