"""Damage models in 100,000 ways and watch the reader.

    python benchmarks/fuzz_mod.py [--mutations 100000] [--seed 0] [MODEL.mod ...]

Nothing but ModFormatError may be raised, and nothing may take more than a second of the processor
or a gigabyte beyond what the program has at its start. Without files it makes models itself:
spheres in two objects, with labels, sizes, values, contours of several points, a mesh and an
unknown chunk.
"""

from __future__ import annotations

import argparse
import resource
import struct
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from vesimod.io.region import NoRegionError, region_mask
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import ModFormatError, join_chunks, parse_chunks, recover_chunks
from vesimod_imod.sphere_model.describe import describe
from vesimod_imod.sphere_model.read import spheres_of
from vesimod_imod.sphere_model.write import SphereObject, write_sphere_objects

GRID = Grid((60, 100, 120), (1.0, 1.0, 1.0))


def limit_memory(more: int = 1 << 30) -> None:
    """Let nothing here take `more` bytes beyond what is taken now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def example() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.mod"
        rng = np.random.default_rng(0)
        parts = [
            Spheres(rng.random((n, 3)) * 60, rng.uniform(5, 20, n), ids=np.arange(n) + first)
            for n, first in ((6, 1), (3, 10))
        ]
        write_sphere_objects(
            path, [SphereObject(str(k), part) for k, part in enumerate(parts)], GRID
        )
        data = path.read_bytes()
    second = data.rindex(b"OBJT")
    data = data[: 244 + 168] + struct.pack(">i", 1) + data[244 + 172 :]  # one mesh
    mesh = b"MESH" + struct.pack(">iiIi", 2, 3, 0, 0) + bytes(2 * 12 + 3 * 4)
    return data[:second] + mesh + b"XYZW" + struct.pack(">i", 3) + b"odd" + data[second:]


def mutate(data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """One to four damages of a kind."""
    mutated = bytearray(data)
    kind = str(rng.choice(["bits", "bytes", "integers", "cut", "insert", "delete", "swap"]))
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, max(len(mutated), 1)))
        length = int(rng.integers(1, 64))
        if kind == "bits" and mutated:
            mutated[at] ^= 1 << int(rng.integers(8))
        elif kind == "bytes":
            mutated[at : at + length] = rng.bytes(length)
        elif kind == "integers":
            value = rng.choice([-1, 0, 1, 2**31 - 1, -(2**31), int(rng.integers(-300, 300))])
            mutated[at : at + 4] = struct.pack(">i", int(value))
        elif kind == "cut":
            del mutated[at:]
        elif kind == "insert":
            mutated[at:at] = rng.bytes(length)
        elif kind == "delete":
            del mutated[at : at + length]
        elif kind == "swap":
            other = int(rng.integers(0, max(len(mutated), 1)))
            mutated[at : at + 8], mutated[other : other + 8] = (
                mutated[other : other + 8],
                mutated[at : at + 8],
            )
    return kind, bytes(mutated)


def watch(data: bytes) -> str:
    """What the reader makes of the bytes: "read", "refused", or the name of a bug."""
    try:
        model = parse_chunks(data)
        if join_chunks(model) != data:
            return "BUG: other bytes"
        spheres_of(model)
        spheres_of(model, GRID)
        describe(model)
        region_mask(model, GRID)
    except ModFormatError:
        return "refused"
    except NoRegionError:
        return "read"
    except Exception as error:
        traceback.print_exc()
        return f"BUG: {type(error).__name__}"
    return "read"


def rescue(data: bytes) -> str:
    try:
        model, _ = recover_chunks(data)
        parse_chunks(join_chunks(model))
    except ModFormatError:
        return "not rescued" if data[:8] != b"IMODV1.2" or len(data) < 240 else "BUG: lost"
    except Exception as error:
        traceback.print_exc()
        return f"BUG: {type(error).__name__}"
    return "rescued"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--mutations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    originals = [path.read_bytes() for path in arguments.models] or [example()]
    rng = np.random.default_rng(arguments.seed)
    limit_memory()
    outcomes: Counter[tuple[str, str]] = Counter()
    slowest = 0.0
    start = time.perf_counter()
    for number in range(arguments.mutations):
        kind, data = mutate(originals[number % len(originals)], rng)
        for outcome in (watch, rescue):
            before = time.process_time()
            outcomes[kind, outcome(data)] += 1
            slowest = max(slowest, time.process_time() - before)
    print(f"{arguments.mutations} mutations of {len(originals)} models, seed {arguments.seed}")
    names = sorted({name for _, name in outcomes})
    print("| damage | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    for kind in sorted({kind for kind, _ in outcomes}):
        print(f"| {kind} | " + " | ".join(str(outcomes[kind, name]) for name in names) + " |")
    bugs = sum(count for (_, name), count in outcomes.items() if name.startswith("BUG"))
    print(f"slowest reading {1000 * slowest:.1f} ms, {time.perf_counter() - start:.0f} s in all")
    print(f"{bugs} bugs")
    raise SystemExit(bool(bugs) or slowest > 1)


if __name__ == "__main__":
    main()
