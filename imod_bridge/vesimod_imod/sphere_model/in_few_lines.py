"""Models of thousands of objects, said in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST = 20  # that are listed one by one


def listed(items: Sequence[object]) -> str:
    """Return the first of some items, and how many more there are."""
    first = ", ".join(map(str, items[:MOST]))
    return first if len(items) <= MOST else f"{first} and {len(items) - MOST} more"


def remarks_in_lines(remarks: Iterable[tuple[int, str, str]]) -> list[str]:
    """Put remarks about objects in lines, the same remark about many of them in one.

    Parameters
    ----------
    remarks : iterable of (int, str, str)
        The object's number, its name and the remark, by number.
    """
    alike: dict[str, list[tuple[int, str]]] = {}
    for number, name, remark in remarks:
        alike.setdefault(remark, []).append((number, name))
    lines = []
    for remark, objects in alike.items():
        if len(objects) <= MOST:
            lines += [f"object {number} {name!r}: {remark}" for number, name in objects]
        else:
            lines.append(f"objects {listed([number for number, _ in objects])}: {remark}")
    if len(lines) > 2 * MOST:
        lines[MOST:] = [f"... and {len(lines) - MOST} more remarks of this kind"]
    return lines
