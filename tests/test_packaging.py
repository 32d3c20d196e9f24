"""What pyproject.toml promises: lowest versions, systems, and files that say the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from vesimod.errors import EXTRA_OF, in_words, not_installed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_OTHERS = {"click"}  # pinned for the sake of a dependency


def pins() -> dict[str, Version]:
    lines = (ROOT / ".ci" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name: Version(version) for name, version in pairs}


def lowest() -> dict[str, Version]:
    found = {}
    for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["cpu"]:
        requirement = Requirement(line)
        (least,) = (part for part in requirement.specifier if part.operator == ">=")
        found[requirement.name] = Version(least.version)
    return found


def test_the_lowest_versions_are_those_that_are_tested() -> None:
    tested = pins()
    assert {name: tested[name] for name in tested.keys() - OF_OTHERS} == lowest()
    assert tested.keys() >= OF_OTHERS


def test_messages_and_pages_name_extras_that_there_are() -> None:
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "models").glob("*.md")]
    for package in ("imod_bridge", "inference", "training"):
        files += (ROOT / package).rglob("*.py")
    named = set()
    for file in files:
        text = file.read_text(encoding="utf-8")
        named |= set(re.findall(r"\bvesimod\[([a-z,]+)\]", text))
        # cmd of Windows takes single quotes for part of the name.
        assert "'vesimod[" not in text, file
    assert len(named) >= 6
    assert named <= PROJECT["optional-dependencies"].keys()


def test_a_package_that_is_missing_is_named_with_an_extra_that_brings_it() -> None:
    called = {"skimage": "scikit-image", "yaml": "pyyaml"}
    for package, extra in EXTRA_OF.items():
        lines = PROJECT["optional-dependencies"][extra]
        assert called.get(package, package) in {Requirement(line).name for line in lines}
    error = ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")
    assert in_words(error) == not_installed("torch")
    assert 'pip install "vesimod[train]"' in not_installed("torch")
    assert in_words(ModuleNotFoundError("No module named 'x'", name="x")) == "No module named 'x'"


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert [author["name"].lower() for author in citation["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]


def test_the_changelog_knows_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(PROJECT['version'])}\b", text, re.MULTILINE)


def test_issue_templates_are_forms() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    forms = [path for path in folder.glob("*.yml") if path.name != "config.yml"]
    assert len(forms) >= 3
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= form.keys(), path
        identifiers = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(set(identifiers)) == len(identifiers) > 0, path
