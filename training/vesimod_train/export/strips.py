"""Make a network's graph able to take a tile strip by strip along y.

A convolution needs the rows before and after its own. Run on a strip, it can keep the last rows
that it saw for the next strip instead of computing them again: memory then follows the strip, and
nothing is computed twice however long the tile. So each layer that looks along y gets an input
``past_K`` of the rows that it saw last and an output ``next_K`` of those to give it with the next
strip. Where they are not given they are the rows before a tile begins, so that the graph is the
plain network to whoever knows of nothing but ``volume``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from vesimod.network.spec import END, NEXT, PAST, ModelError

VOXEL_BY_VOXEL = ("Add", "BatchNormalization", "Div", "Identity", "Mul", "Relu", "Sigmoid")
Y = 3  # of (N, channel, Z, Y, X)
DIMENSIONS = 5
TO_THE_END = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Feature:
    """What a layer gives, along y.

    Parameters
    ----------
    scale : int
        Rows of the volume to one of its own.
    late : int
        Rows of the volume by which it is behind, while the tile goes on.
    channels : int
    """

    scale: int
    late: int
    channels: int


class _Rewriter:
    """A graph whose nodes are taken over one by one."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.nodes = list(graph.node)
        del graph.node[:]
        self.weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        self.features = {"volume": Feature(1, 0, 1)}
        self.count = 0
        self._written = set(self.weights)
        self._optional_input(END, np.zeros((1, 1, 1, 1, 1), np.float32))

    def write(self, kind: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        """Add a node unless it is there already; return its first output."""
        if outputs[0] not in self._written:
            self._written.update(outputs)
            name = f"{outputs[0]}.{kind}"
            self.graph.node.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))
        return outputs[0]

    def numbers(self, name: str, *values: int) -> str:
        """Return the name of a constant list of whole numbers."""
        if name not in self._written:
            self._written.add(name)
            tensor = numpy_helper.from_array(np.array(values, np.int64), name)
            self.graph.initializer.append(tensor)
        return name

    def with_past(self, source: str, default_rows: int, ends: bool) -> str:
        """Put the rows of the last strip before a feature's, and at the end those after it.

        Parameters
        ----------
        source : str
        default_rows : int
            Rows of zeros before a tile's first.
        ends : bool
            Whether a row of zeros follows the tile's last.
        """
        past = f"{PAST}{self.count}"
        zeros = (1, self.features[source].channels, 1, default_rows, 1)
        self._optional_input(past, np.zeros(zeros, np.float32))
        size = self.write("Shape", [source], f"{source}.shape")
        not_y = self.numbers("not_y", *(int(axis != Y) for axis in range(DIMENSIONS)))
        one_y = self.numbers("one_y", *(int(axis == Y) for axis in range(DIMENSIONS)))
        flat = self.write("Mul", [size, not_y], f"{source}.without_y")
        row = self.write("Add", [flat, one_y], f"{source}.row")  # its shape, with one row
        parts = [self.write("Expand", [past, row], f"{past}.rows"), source]
        if ends:
            parts.append(self.write("Expand", [END, row], f"{past}.end"))
        return self.write("Concat", parts, f"{past}.joined", axis=Y)

    def keep(self, joined: str, rows: int) -> None:
        """Keep the last rows of `joined` for the next strip."""
        last = self.numbers(f"last_{rows}", -rows)
        ends, axis = self.numbers("to_the_end", TO_THE_END), self.numbers("y", Y)
        self._next(self.write("Slice", [joined, last, ends, axis], f"{NEXT}{self.count}"))

    def wait(self, source: str, for_whom: str) -> str:
        """Return those rows of a feature for which another one is there; keep the others."""
        joined = self.with_past(source, 0, ends=False)
        there = self.write("Shape", [for_whom], f"{for_whom}.rows", start=Y, end=Y + 1)
        have = self.write("Shape", [joined], f"{joined}.rows", start=Y, end=Y + 1)
        rest = self.write("Sub", [have, there], f"{joined}.rest")
        sizes = self.write("Concat", [there, rest], f"{joined}.sizes", axis=0)
        ready, left = f"{joined}.ready", f"{NEXT}{self.count}"
        self.write("Split", [joined, sizes], ready, left, axis=Y)
        self._next(left)
        return ready

    def _optional_input(self, name: str, default: np.ndarray) -> None:
        self.graph.initializer.append(numpy_helper.from_array(default, name))
        self.graph.input.append(_of_any_size(name))

    def _next(self, name: str) -> None:
        self.graph.output.append(_of_any_size(name))
        self.count += 1


def in_strips(model: onnx.ModelProto) -> onnx.ModelProto:
    """Let a model take its volume strip by strip along y.

    Parameters
    ----------
    model : onnx.ModelProto
        A U-Net: convolutions of 3 x 3 x 3 and 1 x 1 x 1, pooling and upsampling by 2, features
        joined along the channels, and what looks at each voxel alone. It is changed.

    Returns
    -------
    onnx.ModelProto
        `model`, whose optional inputs and further outputs `vesimod.network.strips` describes.

    Raises
    ------
    ModelError
        A layer is none of these.
    """
    graph = _Rewriter(model.graph)
    for node in graph.nodes:
        known = [name for name in node.input if name in graph.features]
        if node.op_type == "Conv":
            made = _convolution(graph, node)
        elif node.op_type == "MaxPool":
            made = _pooling(graph, node)
        elif node.op_type in ("ConvTranspose", "Resize"):
            before = graph.features[node.input[0]]
            channels = graph.weights.get(node.input[1], (0, before.channels))[1]
            made = Feature(before.scale // 2, before.late, channels)
        elif node.op_type == "Concat" and _attribute(node, "axis").i == 1:
            made = _meet(graph, node)
            made = replace(made, channels=sum(graph.features[name].channels for name in known))
        elif node.op_type in VOXEL_BY_VOXEL:
            made = _meet(graph, node)
        else:
            raise ModelError(
                f"layer {node.name} is a {node.op_type}, which cannot be computed strip by strip; "
                "U-Nets have convolutions, poolings, upsampling and what looks at one voxel alone"
            )
        graph.features.update(dict.fromkeys(node.output, made))
        model.graph.node.append(node)
    del model.graph.value_info[:]  # of the plain network
    onnx.checker.check_model(model)
    return model


def plain(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take from a model what `in_strips` added to its inputs and outputs, for other programs."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for values, ours in ((result.graph.input, (PAST, END)), (result.graph.output, (NEXT,))):
        kept = [value for value in values if not value.name.startswith(ours)]
        del values[:]
        values.extend(kept)
    return result


def _convolution(graph: _Rewriter, node: onnx.NodeProto) -> Feature:
    """Give a convolution the rows around its own, and no padding along y."""
    before, (channels, _, *kernel) = graph.features[node.input[0]], graph.weights[node.input[1]]
    if kernel == [1, 1, 1]:
        return Feature(before.scale, before.late, channels)
    pads = _attribute(node, "pads").ints
    if kernel != [3, 3, 3] or list(pads) != [1] * 6:
        raise ModelError(
            f"layer {node.name} has a kernel of {kernel} with pads {list(pads)}; only 3 x 3 x 3 "
            "with one voxel of padding all around can be computed strip by strip"
        )
    joined = graph.with_past(node.input[0], 1, ends=True)
    graph.keep(joined, 2)
    node.input[0] = joined
    pads[Y - 2] = pads[Y + 1] = 0
    return Feature(before.scale, before.late + before.scale, channels)


def _pooling(graph: _Rewriter, node: onnx.NodeProto) -> Feature:
    """Let a pooling keep a row that has no partner yet."""
    before = graph.features[node.input[0]]
    odd = before.late // before.scale % 2
    if odd:
        joined = graph.with_past(node.input[0], 0, ends=False)
        graph.keep(joined, 1)
        node.input[0] = joined
    return Feature(2 * before.scale, before.late + odd * before.scale, before.channels)


def _meet(graph: _Rewriter, node: onnx.NodeProto) -> Feature:
    """Let features wait for the latest of those that they are joined with."""
    names = [name for name in node.input if name in graph.features]
    latest = max(names, key=lambda name: graph.features[name].late)
    for i, name in enumerate(node.input):
        if name in names and graph.features[name].late < graph.features[latest].late:
            node.input[i] = graph.wait(name, latest)
    return graph.features[latest]


def _of_any_size(name: str) -> onnx.ValueInfoProto:
    """Describe an input or output all of whose dimensions are free."""
    free = [f"{name}_{axis}" for axis in range(DIMENSIONS)]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, free)


def _attribute(node: onnx.NodeProto, name: str) -> onnx.AttributeProto:
    """Find an attribute of a node."""
    found: onnx.AttributeProto = next(each for each in node.attribute if each.name == name)
    return found
