"""Damage MRC files, plain and compressed, and watch what reads them.

    python benchmarks/fuzz_inputs.py mrc|gz [--seconds 600] [--seed 0]

Nothing but our own errors may be raised, no warning of numpy's may appear, and no file may take
more than a second of the processor or a gigabyte beyond what the program has at its start.
Counts are printed by what came of the files.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import re
import struct
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from fuzz_mod import limit_memory
from vesimod.io.label_reading import read_labels
from vesimod.io.tomogram import Tomogram, TomogramError, read_tomogram, read_volume
from vesimod_imod.core.errors import VesimodError

HEADER_WORDS = 56  # of 4 bytes, before the labels
ODD_INTEGERS = [0, 1, -1, 2, 3, 4, 255, 32767, 65535, 65536, 1 << 30, -(1 << 31), (1 << 31) - 1]
ODD_FLOATS = [0.0, -1.0, 1.0, 22.0, 1e-30, 1e30, float("nan"), float("inf"), -float("inf")]
SLOWEST_S = 1.0


def examples() -> list[bytes]:
    """Small files of all modes, either byte order, with and without an extended header."""
    files = []
    for mode, kind in [(0, "i1"), (1, "i2"), (2, "f4"), (6, "u2"), (12, "f2")]:
        for order, extended in [("<", b""), (">", b"tilt" * 24), ("<", bytes(768 * 6))]:
            shape = 6, 10, 12
            header = bytearray(1024)
            struct.pack_into(order + "10i", header, 0, *shape[::-1], mode, 0, 0, 0, *shape[::-1])
            struct.pack_into(order + "6f", header, 40, 264, 220, 132, 90, 90, 90)
            struct.pack_into(order + "3i3f2i", header, 64, 1, 2, 3, 0, 9, 4, 0, len(extended))
            struct.pack_into(order + "4si", header, 104, b"FEI1", 20140)
            header[208:212] = b"MAP "
            voxels = np.arange(720).reshape(shape) // 180
            files.append(bytes(header) + extended + voxels.astype(order + kind).tobytes())
    return files


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four damages: words of the header, bits, pieces that are lost or doubled."""
    mutated = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, max(len(mutated), 1)))
        word = 4 * int(rng.integers(HEADER_WORDS))
        order = "<" if rng.random() < 0.5 else ">"
        kind = rng.integers(6)
        if kind == 0 and len(mutated) >= 1024:
            struct.pack_into(order + "i", mutated, word, int(rng.choice(ODD_INTEGERS)))
        elif kind == 1 and len(mutated) >= 1024:
            struct.pack_into(order + "f", mutated, word, float(rng.choice(ODD_FLOATS)))
        elif kind == 2 and mutated:
            mutated[at] ^= 1 << int(rng.integers(8))
        elif kind == 3:
            mutated[at : at + int(rng.integers(1, 64))] = rng.bytes(int(rng.integers(1, 64)))
        elif kind == 4:
            del mutated[at:]
        else:
            mutated += mutated[at:]
    return bytes(mutated)


def packed(data: bytes, rng: np.random.Generator) -> bytes:
    """Compress a damaged file, damage a compressed one, or both."""
    pack = gzip.compress if rng.random() < 0.7 else bz2.compress
    inner = mutate(data, rng) if rng.random() < 0.5 else data
    outer = pack(inner)
    if rng.random() < 0.7:
        changed = bytearray(outer)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(2, len(changed)))
            if rng.random() < 0.8:
                changed[at] ^= 1 << int(rng.integers(8))
            else:
                del changed[at:]
                break
        outer = bytes(changed)
    return outer


def use(path: Path) -> str:
    """Read a file as the commands do, and look at every voxel."""
    for reader in (read_tomogram, lambda p: read_tomogram(p, 2.0), read_volume):
        try:
            volume: Tomogram = reader(path)
        except TomogramError as error:
            outcome = re.sub(r"\d+", "N", str(error).removeprefix(f"{path}: "))[:32]
        else:
            with np.errstate(all="ignore"):  # damaged voxels are not the reader's concern
                float(np.asarray(volume.voxels, np.float64).sum())
            outcome = "read"
    if outcome == "read":
        try:
            read_labels(volume)
            outcome = "read, labels"
        except VesimodError:
            outcome = "read, no labels"
    return outcome


def main() -> None:
    """Fuzz one target for a while."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=["mrc", "gz"])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")
    limit_memory()
    rng = np.random.default_rng(options.seed)
    files, outcomes = examples(), Counter[str]()
    bad = slowest = 0.0
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzz.mrc"
        while time.monotonic() < end:
            data = files[int(rng.integers(len(files)))]
            path.write_bytes(mutate(data, rng) if options.target == "mrc" else packed(data, rng))
            start = time.process_time()
            try:
                outcomes[use(path)] += 1
            except Exception:
                bad += 1
                kept = Path(f"fuzz_{options.target}_{int(bad)}.bin")
                kept.write_bytes(path.read_bytes())
                print(f"{kept}:\n{traceback.format_exc(limit=-4)}", flush=True)
            slowest = max(slowest, time.process_time() - start)
    print(f"{outcomes.total()} files, {int(bad)} with other errors, slowest {slowest:.2f} s")
    for outcome, count in outcomes.most_common(40):
        print(f"{count:>8}  {outcome}")
    raise SystemExit(1 if bad or slowest > SLOWEST_S else 0)


if __name__ == "__main__":
    main()
