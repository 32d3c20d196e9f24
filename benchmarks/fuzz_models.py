"""Damage what vesimod reads, each kind for some minutes, and count what comes of it.

    python benchmarks/fuzz_models.py [--seconds 600] [--seed 0] [TARGET ...]

Nothing but vesimod's own errors, and those of missing files, may be raised; numpy's warnings count
as bugs, and so does whatever takes more than a second of the processor or a gigabyte of memory.
Binary models more thoroughly: ``fuzz_mod.py``.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fuzz_mod import example, limit_memory, mutate
from vesimod.errors import in_words
from vesimod.io.provenance import Provenance, provenance_path, read_provenance, write_provenance
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.network.spec import ModelSpec, Normalisation
from vesimod.review.correction_table import read_corrections
from vesimod.runs.summary import markdown, row_of
from vesimod_imod.core.clean_text import printable
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.spheres import Grid
from vesimod_imod.etomo.com_files import Task, write_com_files
from vesimod_imod.etomo.data_sets import final_tomogram, read_edf
from vesimod_imod.etomo.pip_options import load_adoc, parse_adoc, parse_entries
from vesimod_imod.sphere_model.describe import describe
from vesimod_imod.sphere_model.read import read_sphere_model, spheres_of

SLOWEST_S = 1.0
GRID = Grid((60, 100, 120), (1.0, 1.0, 1.0))
ASCII = b"""imod 1
max 120 100 60
object 0 2 0
name vesicles
scattered
color 0 1 0
contour 0 0 2
10 20 30
40 50 20 12.5 0.5
contour 1 0 1
5 5 5
"""
SPHERES = b"id,z,y,x,radius_nm,score,note\n1,10,20,30,22.5,0.9,a\n7,1e1,2,3,,1,=b\n"
CORRECTIONS = (
    b"verdict,predicted_id,corrected_id,distance_nm,predicted_z,predicted_y,predicted_x,"
    b"predicted_radius_nm,z,y,x,radius_nm,score,note\n"
    b"kept,1,1,0,1,2,3,20,1,2,3,20,1,\nremoved,2,,,4,5,6,20,,,,,0.5,why\nadded,,9,,,,,,7,8,9,21,1,\n"
)
PIP = b"InputFile a b.mrc\nOutputModel = x.mod\nThreshold 0.5\nRadiusRangeNm 10,20\nThreadLimit 2\n"
EDF = b"Setup.DatasetName=TS_01\nSetup.AxisType=Dual Axis\nA\\u00e9=\\u0041\\\n  b\n"
WORDS = (
    b"1e400",
    b"-1",
    b"inf",
    b"nan",
    b"1e30",
    b"99999999999999999999",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"=cmd",
    b"\x1b[2J",
    b"",
    b"true",
    b"[[[[",
    b'"',
    b";",
    b"\\u",
    b"0x1",
    b"1_0",
)


class Targets:
    """Each method takes damaged bytes and reads them as a command would; names end in the kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "TS_01.rec").write_bytes(bytes(1024))
        self.model = folder / "m.mod"
        self.model.write_bytes(example())
        record = Provenance("fast 4", "ab", "t.mrc", "cd", {"threshold": None}, {
            "voxel_size_nm": [1.0, 1.0, 1.0], "searched_um3": 0.1, "threshold": 0.5,
            "notes": ["a"], "seconds": 3.0})  # fmt: skip
        write_provenance(self.model, record)
        spec = ModelSpec("a", "1", 4.4, Normalisation(), (64, 64, 64), 16, 8, ("probability",))
        self.options = parse_adoc(load_adoc())
        self.originals = {
            "mod": example(),
            "ascii": ASCII,
            "metadata": spec.to_json().encode(),
            "tables": SPHERES,
            "corrections": CORRECTIONS,
            "records": provenance_path(self.model).read_bytes(),
            "pip": PIP,
            "edf": EDF,
        }

    def _file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def mod(self, data: bytes) -> None:
        """A binary or an ASCII model, without and with a tomogram."""
        path = self._file("f.mod", data)
        read_sphere_model(path)
        read_sphere_model(path, GRID)

    def ascii(self, data: bytes) -> None:
        """An ASCII model, and what is printed of it."""
        from vesimod_imod.model.files import read_mod

        model = read_mod(self._file("f.mod", data))
        spheres_of(model, GRID)
        assert "\x1b" not in printable("\n".join(describe(model)))

    def metadata(self, data: bytes) -> None:
        """What an ``.onnx`` says of itself."""
        ModelSpec.from_json(data.decode("utf-8", "replace"))

    def tables(self, data: bytes) -> None:
        """A table of spheres."""
        read_spheres_csv(self._file("f.csv", data))

    def corrections(self, data: bytes) -> None:
        """A table of corrections."""
        read_corrections(self._file("c.csv", data))

    def records(self, data: bytes) -> None:
        """The record beside a model; it never raises."""
        provenance_path(self.model).write_bytes(data)
        try:
            read_provenance(self.model)
            markdown([row_of(self.model, "done")])
        except VesimodError as error:
            raise AssertionError("a lost or stale record is no error") from error

    def pip(self, data: bytes) -> None:
        """Lines of PIP on the standard input."""
        lines = io.StringIO(data.decode("utf-8", "replace"))
        entries = parse_entries(["-StandardInput"], self.options, lines)
        entries.number("Threshold"), entries.pair("RadiusRangeNm")
        entries.whole_number("ThreadLimit"), entries.switch("InvertContrast")

    def edf(self, data: bytes) -> None:
        """A data set of Etomo, and the com files that follow from it."""
        data_set = read_edf(self._file("f.edf", data))
        task = Task(self.folder / f"{data_set.name}.mrc", self.folder / f"{data_set.name}.mod")
        write_com_files(self.folder, [task], ["/usr/bin/python3"])
        text = (self.folder / "vesimod.com").read_text(encoding="utf-8")
        assert "\x1b" not in text
        final_tomogram(data_set)


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes as `fuzz_mod` damages them, or a word in the place of another."""
    if rng.random() < 0.4:
        return mutate(data, rng)[1]
    parts = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        word = WORDS[int(rng.integers(len(WORDS)))]
        at = int(rng.integers(0, len(parts) + 1))
        separators = b",:= \n[]{}"
        end = next((i for i in range(at, len(parts)) if parts[i] in separators), len(parts))
        start = next((i + 1 for i in range(at - 1, -1, -1) if parts[i] in separators), 0)
        parts[start:end] = word
    return bytes(parts)


def fuzz(read: Callable[[bytes], None], original: bytes, seconds: float, seed: int) -> Counter[str]:
    """Count what becomes of damaged copies of `original`."""
    rng = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = damage(original, rng)
        start = time.process_time()
        try:
            read(data)
            outcomes["read"] += 1
        except (VesimodError, OSError) as error:
            outcomes["refused" if in_words(error) else "BUG: no words"] += 1
        except Exception as error:
            name = f"BUG: {type(error).__name__}"
            outcomes[name] += 1
            if outcomes[name] == 1:
                print(repr(data))
                traceback.print_exc()
        if time.process_time() - start > SLOWEST_S:
            outcomes["BUG: slow"] += 1
            print(f"{time.process_time() - start:.1f} s: {data!r}")
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    limit_memory()
    bugs = 0
    with tempfile.TemporaryDirectory() as folder:
        targets = Targets(Path(folder))
        for name in arguments.targets or targets.originals:
            original = targets.originals[name]
            outcomes = fuzz(getattr(targets, name), original, arguments.seconds, arguments.seed)
            print(name, json.dumps(outcomes), f"{sum(outcomes.values())} in all", flush=True)
            bugs += sum(count for kind, count in outcomes.items() if kind.startswith("BUG"))
    print(f"{bugs} bugs, {os.cpu_count()} cores")
    raise SystemExit(bool(bugs))


if __name__ == "__main__":
    main()
