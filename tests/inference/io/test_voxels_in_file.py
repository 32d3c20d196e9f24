"""What is read of a tomogram's file is what numpy maps, until the file is cut short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.io.mrc_header import TomogramError
from vesimod.io.voxels_in_file import open_voxels

SHAPE = (6, 7, 5)
OFFSET = 40
ends = st.one_of(st.none(), st.integers(-9, 9))
steps = st.sampled_from([None, 1, 2, -1])
slices = st.builds(slice, ends, ends, steps)
parts = st.one_of(slices, st.integers(-5, 4))
indices = st.one_of(
    slices,
    st.lists(parts, min_size=1, max_size=3).map(tuple),
    st.just(...),
    st.just((np.array([0, 5]), np.array([6, 0]), np.array([1, 4]))),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    values = np.arange(np.prod(SHAPE), dtype=">i2").reshape(SHAPE)
    path = tmp_path_factory.mktemp("voxels") / "a.bin"
    path.write_bytes(bytes(OFFSET) + values.tobytes() + b"more")
    return path, values


@given(indices, st.booleans())
def test_every_index_gives_what_numpy_gives(file, index: object, inverted: bool) -> None:
    path, values = file
    voxels = open_voxels(path, values.dtype, SHAPE, OFFSET, inverted)
    expected = values[:, ::-1] if inverted else values
    found = voxels[index]
    np.testing.assert_array_equal(found, expected[index])
    assert found.dtype == expected[index].dtype
    assert not isinstance(found, np.memmap)  # it needs the file no more
    assert (voxels > 10).sum() == (expected > 10).sum()
    np.testing.assert_array_equal(voxels[::-1].T[1], expected[::-1].T[1])
    assert not voxels.flags.writeable


@pytest.mark.parametrize("index", [np.s_[4:], np.s_[0:2, 1:3], 3, ([0], [0], [0])])
@pytest.mark.parametrize("left", [0, OFFSET + 5 * 7 * 5 * 2 - 1])
def test_a_file_that_becomes_shorter_is_an_error_in_words(
    tmp_path: Path, index: object, left: int
) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(OFFSET + int(np.prod(SHAPE)) * 2))
    voxels = open_voxels(path, np.dtype("i2"), SHAPE, OFFSET)
    voxels[index]
    with path.open("rb+") as stream:
        stream.truncate(left)
    with pytest.raises(TomogramError, match=r"a\.mrc: was cut short while it was read"):
        voxels[index]
