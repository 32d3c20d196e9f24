"""Imports point one way, between packages and between rooms, and only what is allowed comes in.

``pytest -rP tests/test_layers.py`` prints the imports between rooms.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "vesimod_imod": ROOT / "imod_bridge",
    "vesimod": ROOT / "inference",
    "vesimod_train": ROOT / "training",
}
# Floors from the ground up: the packages, in each its rooms and the modules beside them, and for
# each the third-party imports allowed to it. Imports go to floors further up in this list only.
FLOORS = {
    "vesimod_imod": {
        "core": {"numpy", "pandas"},  # pandas is optional: only inside to_dataframe
        "model": {"numpy"},
        "sphere_model": {"numpy"},
        "contour_model": {"numpy"},
        "live": {"numpy"},
        "etomo": set(),
    },
    "vesimod": {
        "errors": set(),
        "limits": set(),
        "settings": set(),
        # tifffile, h5py and zarr are extras: only inside the function that reads such a file
        "io": {"numpy", "scipy", "mrcfile", "tifffile", "h5py", "zarr"},
        "network": {"numpy", "scipy", "onnxruntime"},
        "radial": {"numpy", "scipy"},
        "vesicles": {"numpy", "scipy"},
        "membranes": {"numpy", "scipy"},
        "connectors": {"numpy", "scipy"},
        "measure": {"numpy", "scipy"},
        # zarr is an extra: only inside the function that writes such a folder
        "handoff": {"numpy", "zarr"},
        "review": {"numpy", "scipy"},
        # matplotlib is optional: only inside the function that draws
        "figures": {"numpy", "scipy", "PIL", "matplotlib"},
        # jinja2 and plotly are optional: only inside the functions that fill the page
        "report": {"numpy", "PIL", "jinja2", "plotly"},
        "pipeline": {"numpy", "scipy"},
        "linking": {"numpy"},
        "outlining": set(),
        "doubts": {"numpy", "scipy"},
        "api": {"numpy"},
        "runs": {"numpy"},
        "commands": {"numpy", "typer", "rich"},
        "cli": {"typer"},
        "pip": set(),
        "__main__": set(),
    },
    "vesimod_train": {
        "config": set(),
        "simulate": {"numpy", "scipy", "skimage"},
        "data": {"numpy", "scipy"},
        "networks": {"torch", "onnx"},
        "export": {"numpy", "torch", "onnx", "onnxscript", "onnxruntime", "h5py", "yaml"},
        "fitting": {"numpy", "torch"},
        "cli": {"typer", "tomli"},
        "__main__": set(),
    },
}
PUBLIC = "__init__"  # what a package shows may come from any of its rooms


def module_files(package: str) -> dict[str, Path]:
    """All modules of a package: dotted name to file."""
    folder = SOURCES[package]
    found = {}
    for file in sorted((folder / package).rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        found[".".join(parts if parts[-1] != PUBLIC else parts[:-1])] = file
    return found


def room_of(module: str) -> tuple[str, str]:
    """Return the package and the room of a module, given its dotted name."""
    package, *rest = module.split(".")
    return package, rest[0] if rest else PUBLIC


def imported_modules(source: Path) -> set[str]:
    """Dotted names of everything a file imports, at any depth of the code."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            module = str(node.module)
            if module not in SOURCES:  # `from vesimod import x` imports x, which may be a room
                names.add(module)
            if module.split(".")[0] in SOURCES:
                names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("package", FLOORS)
def test_every_module_has_a_floor(package: str) -> None:
    rooms = {room_of(module)[1] for module in module_files(package)}
    assert rooms - {PUBLIC} == set(FLOORS[package])


@pytest.mark.parametrize("package", FLOORS)
def test_imports_point_one_way(package: str) -> None:
    packages, floors = list(FLOORS), [*FLOORS[package], PUBLIC]
    between: dict[str, set[str]] = {floor: set() for floor in floors}
    for module, file in module_files(package).items():
        room = room_of(module)[1]
        for name in imported_modules(file):
            if name.split(".")[0] not in SOURCES:
                continue
            other, used = room_of(name)
            label = used if other == package else f"{other}.{used}"
            if label != room:
                between[room].add(label)
            where = f"{file.relative_to(ROOT)} imports {name}"
            assert packages.index(other) <= packages.index(package), where
            assert other != package or floors.index(used) <= floors.index(room), where
    for floor in floors:
        print(f"{package}.{floor} <- {', '.join(sorted(between[floor])) or 'nothing of ours'}")


@pytest.mark.parametrize("package", FLOORS)
def test_only_allowed_imports(package: str) -> None:
    for module, file in module_files(package).items():
        allowed = FLOORS[package].get(room_of(module)[1], set())
        names = {name.split(".")[0] for name in imported_modules(file)}
        foreign = names - allowed - set(SOURCES) - set(sys.stdlib_module_names)
        assert not foreign, f"{file.relative_to(ROOT)} imports {sorted(foreign)}"


def test_commands_import_no_command() -> None:
    commands = {
        name
        for name in imported_modules(SOURCES["vesimod"] / "vesimod" / "cli.py")
        if name.startswith("vesimod.commands.") and not re.search(r"\.(console|process)", name)
    }
    assert len(commands) > 10
    for module, file in module_files("vesimod").items():
        if room_of(module)[1] == "commands":
            assert not imported_modules(file) & commands, file
    for file in module_files("vesimod_train").values():
        assert not imported_modules(file) & commands, file


@pytest.mark.parametrize("module", ["vesimod", "vesimod.cli", "vesimod.pipeline"])
def test_inference_loads_no_torch(module: str) -> None:
    code = f"import sys, {module}; print([m for m in ('torch', 'onnx') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_command_line_starts_without_numerics() -> None:
    code = "import sys, vesimod.cli; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(("wish", "used"), [(None, "1"), ("4", "4")])
def test_commands_keep_matrix_products_on_one_thread(wish: str | None, used: str) -> None:
    code = (
        "import contextlib, os, sys; import vesimod.cli; sys.argv = ['vesimod', '--version']\n"
        "with contextlib.suppress(SystemExit): vesimod.cli.main()\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    environment |= {"OPENBLAS_NUM_THREADS": wish} if wish else {}
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split()[-1] == used
