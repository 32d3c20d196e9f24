"""Imports point one way, and each package stays within its allowed dependencies."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "vesimod_imod": (ROOT / "imod_bridge", {"numpy"}),
    "vesimod": (
        ROOT / "inference",
        {
            "numpy",
            "vesimod_imod",
            "onnxruntime",
            "scipy",
            "skimage",
            "mrcfile",
            "typer",
            "rich",
            "matplotlib",  # optional: only inside the function that draws
        },
    ),
    "vesimod_train": (
        ROOT / "training",
        {
            "numpy",
            "vesimod_imod",
            "vesimod",
            "scipy",
            "skimage",
            "mrcfile",
            "typer",
            "rich",
            "torch",
            "onnx",
            "onnxscript",
            "h5py",
            "yaml",
            "onnxruntime",
            "matplotlib",
            "tomli",
        },
    ),
}


def imported_modules(source: Path) -> set[str]:
    """Top-level names of everything a file imports, at any depth of the code."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_only_allowed_imports(package: str) -> None:
    folder, allowed = PACKAGES[package]
    files = sorted((folder / package).rglob("*.py"))
    assert files
    for file in files:
        foreign = imported_modules(file) - allowed - {package} - set(sys.stdlib_module_names)
        assert not foreign, f"{file.relative_to(ROOT)} imports {sorted(foreign)}"


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
