"""What `import vesimod` and `import vesimod_imod` show, and what they load."""

from __future__ import annotations

import builtins
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest
import vesimod
import vesimod_imod
from vesimod_imod.core.errors import VesimodError

HEAVY = ("numpy", "scipy", "skimage", "mrcfile", "onnxruntime", "pandas", "typer", "torch")


@pytest.mark.parametrize("package", [vesimod, vesimod_imod])
def test_dir_shows_what_is_public_and_no_more(package) -> None:
    assert dir(package) == sorted(package.__all__)
    assert set(package._HOMES) == set(package.__all__) - {"__version__"}
    for name in package.__all__:
        thing = getattr(package, name)
        assert name == "__version__" or thing.__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'sgement'"):
        package.sgement  # noqa: B018


@pytest.mark.parametrize("package", [vesimod, vesimod_imod])
def test_no_public_name_is_that_of_a_module(package) -> None:
    """Once such a module is imported, it would take the function's place."""
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert not modules & set(package.__all__)


@pytest.mark.parametrize("package", ["vesimod", "vesimod_imod"])
def test_import_loads_nothing_heavy(package) -> None:
    code = f"import sys, {package}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", [vesimod_imod, vesimod, "vesimod_train"])
def test_every_error_of_ours_has_two_bases(package) -> None:
    if package == "vesimod_train":
        pytest.importorskip("torch", reason="needs the extra train")
        package = importlib.import_module(package)
    found = 0
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith("__main__"):
            continue
        for _, item in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(item, Exception) and item.__module__ == module.name:
                found += 1
                if item is VesimodError:
                    continue
                assert issubclass(item, (VesimodError, Warning)), item
                builtin = [b for b in item.__mro__ if b.__module__ == builtins.__name__]
                assert builtin[0] not in (Exception, BaseException), item
    assert found
