"""What mkdocs does not know: pages that are generated, and links that leave docs/."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs loads this file alone

from command_reference import REFERENCES, reference
from notebook_page import notebook_page

ROOT = Path(__file__).resolve().parents[2]
# Pages that lie outside of docs/: where they are in the repository, and in the site.
OUTSIDE = {name: name.lower() for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")} | {
    f"models/{card.name}": f"models/{card.name}" for card in (ROOT / "models").glob("*.md")
}
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that do not lie in docs/, or lie nowhere."""
    for inside, outside in OUTSIDE.items():
        text = (ROOT / inside).read_text(encoding="utf-8")
        files.append(File.generated(config, outside, content=relink(text, inside)))
    for program in REFERENCES:
        files.append(File.generated(config, f"reference/{program}.md", content=reference(program)))
    page, pictures = notebook_page(ROOT / "docs" / "tutorial.ipynb")
    files.append(File.generated(config, "tutorial.md", content=page))
    for name, picture in pictures.items():
        files.append(File.generated(config, f"tutorial/{name}", content=picture))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links to files outside of docs/ into links to their pages."""
    if page.file.generated_by:
        return markdown
    return relink(markdown, f"docs/{page.file.src_uri}")


def relink(markdown: str, source: str) -> str:
    """Rewrite the links of a page to what the site has.

    Parameters
    ----------
    markdown : str
    source : str
        The page's path in the repository; its relative links start there.

    Returns
    -------
    str
        Links to files that are no pages, such as programs, have become their text.
    """
    here = posixpath.dirname(in_site(source) or "")

    def rewritten(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        page = in_site(path)
        if page is None:
            return text
        return f"[{text}]({posixpath.relpath(page, here or '.')}{anchor})"

    return LINK.sub(rewritten, markdown)


def in_site(path: str) -> str | None:
    """Return where a file of the repository is in the site, if it is there."""
    if path in OUTSIDE:
        return OUTSIDE[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/").replace(".ipynb", ".md")
    return None
