"""The tutorial notebook as a page: its texts, its code, and what that printed and drew."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter


def notebook_page(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook's Markdown and its pictures.

    Parameters
    ----------
    path : Path
        A notebook that has been run.

    Returns
    -------
    page : str
    pictures : dict from str to bytes
        By names that the page shows in the folder of the notebook's name.
    """
    notebook = nbformat.read(path, as_version=4)
    page, resources = MarkdownExporter().from_notebook_node(notebook)
    pictures = resources["outputs"]
    for name in pictures:
        page = page.replace(f"({name})", f"({path.stem}/{name})")
    return page, pictures
