"""A graph that takes a tile strip by strip computes what the network computes on the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_unet
from onnx import TensorProto, helper
from vesimod.network.prediction import predict
from vesimod.network.spec import ModelError, Normalisation
from vesimod.network.strips import Runner
from vesimod.network.tiling import Strips, plan_tiles, read_tile
from vesimod_train.export.ensemble import UNetEnsemble
from vesimod_train.export.onnx import to_onnx, unet_spec
from vesimod_train.export.strips import in_strips, plain
from vesimod_train.networks.unet import ExportedUNet, UNet

pytestmark = pytest.mark.slow


class Example:
    """A network, and its graph in a session."""

    def __init__(self, networks: list[UNet]) -> None:
        self.module = UNetEnsemble(networks).eval()
        if len(networks) == 1:
            self.module = ExportedUNet(networks[0]).eval()
        self.spec = unet_spec(
            networks, 4.4, Normalisation(), name="a", version="1", training_data="none"
        )
        self.graph = in_strips(to_onnx(self.module, self.spec))
        self.session = start(self.graph)
        self.runner = Runner(onnxruntime, self.session, self.spec, "cpu")


def start(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


@pytest.fixture(scope="module", params=[(0,), (1,), (2,), (3,), (2, 1), (0, 2, 2)], ids=str)
def example(request: pytest.FixtureRequest) -> Example:
    """U-Nets of several depths, alone and as a mean, whose results come at different times."""
    return Example(
        [random_unet(3 + i, poolings, seed=i) for i, poolings in enumerate(request.param)]
    )


@given(
    volume_rows=st.integers(1, 90),
    others=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    lengths=st.tuples(st.integers(1, 8), st.integers(1, 5), st.integers(1, 4)),
)
@settings(max_examples=12, deadline=None)
def test_pieces_of_any_length_give_the_whole(
    example: Example,
    volume_rows: int,
    others: tuple[int, int],
    lengths: tuple[int, int, int],
) -> None:
    spec = example.spec
    shape = (others[0], volume_rows, others[1])
    volume = np.random.default_rng(volume_rows).normal(size=shape).astype(np.float32)
    tiles = plan_tiles(shape, np.inf, spec.halo, spec.divisor)
    computed = [np.full(shape, np.nan, np.float32) for _ in spec.outputs]
    first, step, last = (length * spec.divisor for length in lengths)
    strips = Strips(spec.halo + first, step, last, 1.0)
    predict(volume, example.runner, computed, tiles, strips=strips)
    tile = read_tile(volume, tiles[0])
    with torch.no_grad():
        expected = example.module(torch.from_numpy(tile[None, None]))
    for whole, result in zip(expected, computed, strict=True):
        within = tuple(slice(0, n) for n in shape)
        np.testing.assert_allclose(result, whole.numpy()[0, 0][within], atol=1e-4)


def test_strips_of_one_grey_value_are_computed_once(example: Example) -> None:
    spec, step = example.spec, 2 * example.spec.divisor
    strips = Strips(spec.halo + spec.divisor, step, spec.divisor, 1.0)
    rows = 4 * strips.first + 20 * step
    volume = np.random.default_rng(0).normal(size=(8, rows, 8)).astype(np.float32)
    volume[:, 2 * strips.first : -strips.first] = 0.7
    volume[:, strips.first + 8 * step : strips.first + 9 * step, 3] += 0.5  # within it
    tiles = plan_tiles(volume.shape, np.inf, spec.halo, spec.divisor)
    answers = []
    for how in (strips, None):
        calls = []

        def run(seen: np.ndarray, first: bool, last: bool, calls: list = calls) -> list:
            calls.append(seen)
            return example.runner(seen, first, last)

        results = [np.empty_like(volume) for _ in spec.outputs]
        predict(volume, run, results, tiles, strips=how)
        answers.append(results)
        if how:
            assert len(calls) < len(strips.cut(tiles[0][1])) - 4
    for by_strips, whole in zip(*answers, strict=True):
        np.testing.assert_allclose(by_strips, whole, atol=1e-5)


def test_a_new_tile_begins_anew(example: Example) -> None:
    """What a tile left behind, finished or not, is not seen by the next one."""
    edge, rows = example.spec.divisor, example.spec.halo + 3 * example.spec.divisor
    noise = np.random.default_rng(0).normal(size=(edge, rows, edge)).astype(np.float32)

    def all_rows() -> np.ndarray:
        parts = [noise[:, : rows - edge], noise[:, rows - edge :]]
        answers = [example.runner(part, part is parts[0], part is parts[1]) for part in parts]
        return np.concatenate([answer[0] for answer in answers], axis=1)

    before = all_rows()
    example.runner(5 + noise, True, False)  # never finished
    np.testing.assert_array_equal(all_rows(), before)


def test_other_programs_get_a_plain_network(example: Example) -> None:
    session = start(plain(example.graph))
    assert [node.name for node in session.get_inputs()] == ["volume"]
    assert not session.get_overridable_initializers()
    assert [node.name for node in session.get_outputs()] == list(example.spec.outputs)
    edge = 3 * example.spec.divisor
    volume = np.random.default_rng(0).normal(size=(2, 1, edge, edge, edge)).astype(np.float32)
    with torch.no_grad():
        expected = example.module(torch.from_numpy(volume))
    for computed, whole in zip(session.run(None, {"volume": volume}), expected, strict=True):
        np.testing.assert_allclose(computed, whole.numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "attributes", "message"),
    [
        ("InstanceNormalization", {}, "is a InstanceNormalization"),
        ("Conv", {"pads": [2] * 6}, r"kernel of \[3, 3, 3\] with pads \[2, 2, 2"),
    ],
)
def test_layers_that_see_the_whole_tile_are_refused(
    kind: str, attributes: dict[str, list[int]], message: str
) -> None:
    free = ["N", 1, "Z", "Y", "X"]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 3, 3, 3], [0.0] * 27)
    graph = helper.make_graph(
        [helper.make_node(kind, ["volume", "w"], ["probability"], name="layer", **attributes)],
        "wrong",
        [helper.make_tensor_value_info("volume", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, free)],
        [weight],
    )
    with pytest.raises(ModelError, match=message):
        in_strips(helper.make_model(graph))


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_shipped_models_can_be_taken_in_strips(name: str) -> None:
    model = onnx.load(Path(__file__).resolve().parents[3] / f"models/{name}.onnx")
    assert "next_0" in {value.name for value in model.graph.output}, "export it anew"
