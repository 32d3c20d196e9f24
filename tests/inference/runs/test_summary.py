"""The table of many tomograms speaks to who typed the command."""

from __future__ import annotations

import csv

from vesimod.io.provenance import Provenance, write_provenance
from vesimod.runs.summary import row_of, write_summary
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model


def test_notes_of_a_result_name_flags(tmp_path) -> None:
    model, table = tmp_path / "TS_01_vesicles.mod", tmp_path / "summary.csv"
    write_sphere_model(model, Spheres([[5, 5, 5]], [9.0]), Grid((20, 20, 20), (2.0, 2.0, 2.0)))
    notes = {"notes": ["run again with `invert=True`"]}
    write_provenance(model, Provenance("fast 1", "0", "TS_01.mrc", "1", {}, notes))
    row = row_of(model, "done")
    assert row.notes == ("run again with --invert",)
    assert row.line() == "TS_01: done, 1 vesicles, radius 9.0 +- 0.0 nm; run again with --invert"
    write_summary(table, [row])
    with table.open(newline="") as stream:
        assert [line["notes"] for line in csv.DictReader(stream)] == ["run again with --invert"]
