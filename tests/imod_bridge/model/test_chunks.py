"""The codec: every byte kept, every damage refused at once."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import ModFormatError, join_chunks, parse_chunks, recover_chunks
from vesimod_imod.model.header import image_reference_of
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.read import spheres_of
from vesimod_imod.sphere_model.write import SphereObject, write_sphere_objects

GRID = Grid((60, 100, 120), (1.0, 1.0, 1.0))
DAMAGED = "test_bad_data2.mod"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Bytes of a model of two objects, with an unknown chunk and a mesh put in by hand."""
    path = tmp_path_factory.mktemp("chunks") / "small.mod"
    first = Spheres([[10, 20, 30], [30, 40, 50]], [8.0, 12.0], [0.5, 0.75], [1, 2])
    second = Spheres([[15, 25, 35]], [6.0], [0.1], [3])
    write_sphere_objects(path, [SphereObject("a", first), SphereObject("b", second)], GRID)
    data = path.read_bytes()
    at = data.rindex(b"OBJT")
    mesh = b"MESH" + struct.pack(">iiIi", 2, 3, 0, 0) + bytes(2 * 12 + 3 * 4)
    start = data.index(b"OBJT")
    data = data[: start + 4 + 168] + struct.pack(">i", 1) + data[start + 4 + 172 :]
    return data[:at] + mesh + b"XYZW" + struct.pack(">i", 3) + b"odd" + data[at:]


def real_models(shared):
    return sorted(
        p for folder in ("mod", "saved-by-3dmod") for p in (shared / folder).glob("*.mod")
    )


def test_every_undamaged_real_model_survives_byte_by_byte(shared):
    models = [path for path in real_models(shared) if path.name != DAMAGED]
    assert len(models) >= 18
    for path in models:
        data = path.read_bytes()
        assert join_chunks(parse_chunks(data, path)) == data, path.name


def test_damaged_real_model_is_refused_and_rescued(shared):
    path = shared / "mod" / DAMAGED
    data = path.read_bytes()
    with pytest.raises(ModFormatError, match=r"test_bad_data2\.mod: byte 84720: .*IEOF") as caught:
        parse_chunks(data, path)
    assert caught.value.offset == 84720
    rescued, notes = recover_chunks(data, path)
    assert "kept 4 whole objects; the header states 4" in notes
    sound = (shared / "mod" / "microtubules_vesicles_REPAIRED.mod").read_bytes()
    assert join_chunks(rescued) == sound


def test_chunks_are_kept_known_or_not(model):
    parsed = parse_chunks(model)
    assert join_chunks(parsed) == model
    tags = [tag for tag, _ in parsed.chunks]
    assert tags.count(b"CONT") == 3
    assert (b"XYZW", b"odd") in parsed.chunks
    assert join_chunks(parse_chunks(model + b"trailing")) == model + b"trailing"


def test_cut_at_every_byte(model):
    for length in range(len(model)):
        with pytest.raises(ModFormatError) as caught:
            parse_chunks(model[:length], "cut.mod")
        assert 0 <= caught.value.offset <= length
        assert str(caught.value).startswith("cut.mod: byte ")


def position(data: bytes, tag: bytes, nth: int = 0) -> int:
    at = -1
    for _ in range(nth + 1):
        at = data.index(tag, at + 1)
    return at


def patched(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + struct.pack(">i", value) + data[at + 4 :]


@pytest.mark.parametrize("value", [-1, -(2**31), 2**31 - 1, 1 << 24])
@pytest.mark.parametrize(
    ("tag", "shift"),
    [(b"CONT", 4), (b"MESH", 4), (b"MESH", 8), (b"LABL", 4), (b"SIZE", 4), (b"MINX", 4)],
)
def test_impossible_counts_and_lengths(model, tag, shift, value):
    at = position(model, tag)
    with pytest.raises(ModFormatError) as caught:
        parse_chunks(patched(model, at + shift, value))
    assert caught.value.offset == at


@pytest.mark.parametrize(
    ("count_at", "change", "blamed"),
    [
        (("header", 0), 1, ("header", 0)),
        (("header", 0), -1, ("header", 0)),
        ((b"OBJT", 132), 1, (b"OBJT", 0)),
        ((b"OBJT", 132), -1, (b"CONT", 1)),
        ((b"OBJT", 172), 1, (b"OBJT", 0)),
        ((b"OBJT", 172), -1, (b"MESH", 0)),
    ],
)
def test_wrong_counts(model, count_at, change, blamed):
    tag, shift = count_at
    at = 148 if tag == "header" else position(model, tag) + shift
    count = struct.unpack_from(">i", model, at)[0]
    with pytest.raises(ModFormatError) as caught:
        parse_chunks(patched(model, at, count + change))
    tag, nth = blamed
    assert caught.value.offset == (148 if tag == "header" else position(model, tag, nth))


def test_sizes_must_fit_their_contour(model):
    at = position(model, b"SIZE")
    wrong = model[: at + 4] + struct.pack(">i", 8) + bytes(8) + model[at + 12 :]
    with pytest.raises(ModFormatError, match="8 bytes of sizes for 1 points"):
        parse_chunks(wrong)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an IMOD model"),
        (b"MRC file, perhaps", "not an IMOD model"),
        (b"IMODV1.1" + bytes(232) + b"IEOF", "3dmod"),
        (b"IMODV1.2" + bytes(100), "inside its header"),
        (b"IMODV1.2" + bytes(232), "ends without IEOF"),
    ],
)
def test_no_model(data, message):
    with pytest.raises(ModFormatError, match=message):
        parse_chunks(data)


def test_typed_view_refuses_what_contradicts_its_chunk(model):
    at = position(model, b"LABL")
    with pytest.raises(ModFormatError, match="longer than its chunk") as caught:
        objects_of(parse_chunks(patched(model, at + 12, 4000)))
    assert caught.value.offset == at
    at = position(model, b"COST")
    odd = (
        model[: at + 4] + struct.pack(">i", 13) + model[at + 8 : at + 20] + b"x" + model[at + 20 :]
    )
    with pytest.raises(ModFormatError, match="multiple of 12"):
        objects_of(parse_chunks(odd))
    at = position(model, b"MINX")
    short = model[: at + 4] + struct.pack(">i", 68) + model[at + 8 : at + 76] + model[at + 80 :]
    with pytest.raises(ModFormatError, match="not 72"):
        image_reference_of(parse_chunks(short))


def test_recover_leaves_out_the_damaged_object_only(model):
    bad = patched(model, position(model, b"CONT") + 4, 1 << 20)
    rescued, notes = recover_chunks(bad, "bad.mod")
    assert [item.name for item in objects_of(rescued)] == ["b"]
    assert image_reference_of(rescued) is not None
    assert join_chunks(parse_chunks(join_chunks(rescued))) == join_chunks(rescued)
    assert any("left out a damaged object: bad.mod: byte" in note for note in notes)
    # A count that is too small must not yield an object with fewer contours.
    low = patched(model, position(model, b"OBJT") + 132, 1)
    assert [item.name for item in objects_of(recover_chunks(low)[0])] == ["b"]


def test_recover_keeps_whole_objects_before_a_cut(model):
    second = position(model, b"OBJT", 1)
    for length in range(second + 8, len(model) - 100, 7):
        rescued, _ = recover_chunks(model[:length])
        assert next(item.name for item in objects_of(rescued)) == "a"
        assert join_chunks(parse_chunks(join_chunks(rescued))) == join_chunks(rescued)


@pytest.mark.slow
@settings(max_examples=1500)
@given(data=st.data())
def test_mutations_raise_nothing_else(model, data):
    """Damage of any kind: the reader reads or raises ModFormatError."""
    mutated = bytearray(model)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        kind = data.draw(st.sampled_from(["byte", "int", "cut", "insert", "delete"]))
        if kind == "byte":
            mutated[at] = data.draw(st.integers(0, 255))
        elif kind == "int":
            value = data.draw(st.integers(-(2**31), 2**31 - 1))
            mutated[at : at + 4] = struct.pack(">i", value)
        elif kind == "cut":
            mutated = mutated[: max(at, 1)]
        elif kind == "insert":
            mutated[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            del mutated[at : at + data.draw(st.integers(1, 8))]
        if not mutated:
            mutated = bytearray(b"I")
    with contextlib.suppress(ModFormatError):
        parsed = parse_chunks(bytes(mutated))
        assert join_chunks(parsed) == bytes(mutated)
        assert np.all(np.isfinite(spheres_of(parsed, GRID).spheres.centres))
    if bytes(mutated[:8]) == b"IMODV1.2" and len(mutated) > 240:
        rescued, _ = recover_chunks(bytes(mutated))
        parse_chunks(join_chunks(rescued))
