"""The dry run of a release: what it refuses, and that it says what it could not check."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import release_check
from release_check import ReleaseError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of the version that is to be released."""
    version = release_check.VERSION
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {version} (2030-01-01)\n", "utf-8")
    (tmp_path / "CITATION.cff").write_text(f"version: {version}\n", "utf-8")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "tag.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "A"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(release_check, "ROOT", tmp_path)
    # `run` has the folder as a default, from the time when it was defined
    monkeypatch.setattr(
        release_check, "output", lambda *words: release_check.run(*words, folder=tmp_path)
    )
    return tmp_path


def tag(checkout: Path, name: str) -> None:
    subprocess.run(["git", "tag", name], cwd=checkout, check=True)


def test_a_tag_of_this_version_is_told(checkout: Path) -> None:
    assert release_check.versions_agree().endswith("no tag on this commit")
    tag(checkout, f"v{release_check.VERSION}")
    assert release_check.versions_agree().endswith(f"tagged v{release_check.VERSION}")


def test_another_tag_is_refused(checkout: Path) -> None:
    tag(checkout, "v99.0")
    with pytest.raises(ReleaseError, match=r"tag v99\.0 on version"):
        release_check.versions_agree()


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CITATION.cff"])
def test_what_lags_behind_is_refused(checkout: Path, name: str) -> None:
    path = checkout / name
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(release_check.VERSION, "0.0.1"), encoding="utf-8")
    with pytest.raises(ReleaseError, match=name):
        release_check.versions_agree()


FAULT = {"name": "numpy", "version": "1.0", "vulns": [{"id": "PYSEC-1"}]}
FINE = {"name": "scipy", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "typer", "skip_reason": "not found"}


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Audit one wheel, with this answer in the place of pip-audit's."""
    (tmp_path / f"vesimod-{release_check.VERSION}-linux" / "wheels").mkdir(parents=True)
    monkeypatch.setattr(release_check, "DIST", tmp_path)

    def answer(stdout: str) -> str:
        told = SimpleNamespace(stdout=stdout, stderr="no such host")
        monkeypatch.setattr(release_check.subprocess, "run", lambda *_, **__: told)
        return release_check.audit()

    return answer


def test_known_faults_end_it(audited) -> None:
    with pytest.raises(ReleaseError, match="numpy PYSEC-1"):
        audited(json.dumps({"dependencies": [FAULT, FINE]}))


def test_what_nobody_answered_for_is_not_called_clean(audited) -> None:
    assert audited(json.dumps({"dependencies": [FINE]})) == "1 parts without a known fault"
    assert "1 NOT CHECKED" in audited(json.dumps({"dependencies": [FINE, UNKNOWN]}))
    assert audited("") == "NOT CHECKED, the service cannot be reached: no such host"
