"""Make the tiny ONNX graphs that the inference tests run (they run where onnx is not installed).

python tests/data/make_models.py
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper
from vesimod.network.spec import METADATA_KEY, ModelSpec, Normalisation

HERE = Path(__file__).parent
SHAPE = ["N", 1, "Z", "Y", "X"]


def spec(**changes: object) -> ModelSpec:
    values: dict[str, object] = {
        "name": "test",
        "version": "0",
        "voxel_size_nm": 4.0,
        "normalisation": Normalisation(centre="mean", spread="std", clip=None),
        "tile": (32, 32, 32),
        "halo": 4,
        "divisor": 4,
        "outputs": ("probability",),
    }
    return ModelSpec(**{**values, **changes})  # type: ignore[arg-type]


def write(name: str, nodes: list[onnx.NodeProto], outputs: list[str], metadata: str | None) -> None:
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("volume", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, SHAPE) for output in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if metadata is not None:
        helper.set_model_props(model, {METADATA_KEY: metadata})
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def main() -> None:
    # Darker than 1.5 SD below the mean is vesicle: filled dark balls come out as spheres.
    constants = {"slope": -4.0, "limit": 1.5}
    dark = [
        helper.make_node("Constant", [], [name], value_float=value)
        for name, value in constants.items()
    ]
    dark += [
        helper.make_node("Add", ["volume", "limit"], ["above"]),
        helper.make_node("Mul", ["above", "slope"], ["steep"]),
        helper.make_node("Sigmoid", ["steep"], ["probability"]),
    ]
    same = [helper.make_node("Identity", ["volume"], ["probability"])]
    write("dark", dark, ["probability"], spec(name="dark").to_json())
    write("identity", same, ["probability"], spec(name="identity").to_json())
    write("no_metadata", same, ["probability"], None)
    write("bad_metadata", same, ["probability"], '{"format": 99}')
    promised = spec(name="promises", outputs=("probability", "distance")).to_json()
    write("missing_output", same, ["probability"], promised)


if __name__ == "__main__":
    main()
