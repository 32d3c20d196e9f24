"""Finding data sets and their tomograms, and the text of com files."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from chunk_runner import parse_com
from vesimod_imod.etomo.com_files import MARK, Task, write_com_files
from vesimod_imod.etomo.data_sets import DataSetError, final_tomogram, find_data_sets, read_edf

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "etomo" / "TS_001"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED} is absent")
PROGRAM = ["/opt/vesimod/bin/python", "-u", "-m", "vesimod.pip"]


def make_data_set(
    folder: Path, name: str, *volumes: str, dual: bool = False, titles: str = "", **settings: str
) -> Path:
    """Make a data set with an .edf file and volumes that have nothing but a header."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {
        "Setup.DatasetName": name,
        "Setup.AxisType": "Dual Axis" if dual else "Single Axis",
        "Setup.PixelSize": "0.6192",
        **{key.replace("_", "."): value for key, value in settings.items()},
    }
    text = "#Wed May 07 21:10:58 CEST 2025\n" + "".join(f"{k}={v}\n" for k, v in lines.items())
    (folder / f"{name}.edf").write_text(text, encoding="latin-1")
    for volume in volumes:
        header = bytearray(1024)
        struct.pack_into("<10i", header, 0, 8, 8, 8, 0, 0, 0, 0, 8, 8, 8)
        header[224 : 224 + len(titles)] = titles.encode()
        (folder / volume).write_bytes(bytes(header) + bytes(512))
    return folder / f"{name}.edf"


@needs_shared
def test_a_real_data_set_is_read() -> None:
    data_set = read_edf(SHARED / "TS_001.edf")
    assert data_set.name == "TS_001"
    assert not data_set.dual_axis
    assert float(data_set.settings["Setup.PixelSize"]) == 0.6192
    assert find_data_sets(SHARED)[0].name == "TS_001"
    assert find_data_sets(SHARED.parent)[0].folder == SHARED
    with pytest.raises(DataSetError, match="TS_001 has no tomogram yet"):
        final_tomogram(data_set)


def test_java_properties_are_read_as_java_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "a.edf"
    file.write_text(
        "#comment\n! comment\n\nSetup.BackupDirectory=C\\:\\\\data\\\\caf\\u00e9\n"
        "Key\\ one : two\\\n    three\nEmpty=\nA\\=b=c=d\n",
        encoding="latin-1",
    )
    settings = read_edf(file).settings
    assert settings["Setup.BackupDirectory"] == "C:\\data\\café"
    assert settings["Key one"] == "twothree"
    assert settings["Empty"] == ""
    assert settings["A=b"] == "c=d"
    assert read_edf(file).name == "a"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_a_name_beyond_ascii_is_read_as_java_or_an_editor_wrote_it(
    tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "a.edf"
    file.write_text("#é\r\nSetup.DatasetName=TS_ü\r\nA=b\\\r\n  c\r\n", encoding=encoding)
    assert read_edf(file).name == "TS_ü"
    assert read_edf(file).settings["A"] == "bc"


def test_a_data_set_is_found_by_file_name_or_folder(tmp_path: Path) -> None:
    edf = make_data_set(tmp_path / "TS_01", "TS_01")
    make_data_set(tmp_path / "TS_02", "TS_02")
    for target in (edf, edf.with_suffix(""), edf.parent):
        assert [d.name for d in find_data_sets(target)] == ["TS_01"]
    assert [d.name for d in find_data_sets(tmp_path)] == ["TS_01", "TS_02"]
    for target in (tmp_path / "TS_09", tmp_path / "TS_09.edf"):
        with pytest.raises(DataSetError, match=r"TS_09.*no Etomo data set.*give an \.edf"):
            find_data_sets(target)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataSetError, match="looked for"):
        find_data_sets(tmp_path / "empty")


@pytest.mark.parametrize(
    ("dual", "volumes", "chosen", "warning"),
    [
        (False, ["TS.rec", "TS_full.rec"], "TS.rec", None),
        (False, ["TS_rec.mrc", "TS_full_rec.mrc"], "TS_rec.mrc", None),
        (False, ["TS_rec.mrc", "TS.rec"], "TS_rec.mrc", "TS.rec exists too"),
        (False, ["TS_full.rec"], "TS_full.rec", "not trimmed"),
        (False, ["TS_full_rec.mrc"], "TS_full_rec.mrc", "not trimmed"),
        (True, ["TS.rec", "sum.rec", "TSa.rec", "TSb.rec"], "TS.rec", None),
        (True, ["TS_rec.mrc", "sum_rec.mrc"], "TS_rec.mrc", None),
        (True, ["sum.rec", "TSa.rec"], "sum.rec", "not trimmed"),
        (True, ["sum_rec.mrc"], "sum_rec.mrc", "not trimmed"),
    ],
)
def test_the_final_tomogram(
    tmp_path: Path, dual: bool, volumes: list[str], chosen: str, warning: str | None
) -> None:
    make_data_set(tmp_path, "TS", *volumes, dual=dual)
    found = final_tomogram(find_data_sets(tmp_path)[0])
    assert found.path == tmp_path / chosen
    assert bool(found.warnings) == bool(warning)
    if warning:
        assert warning in found.warnings[0]


@pytest.mark.parametrize(
    ("titles", "flipped", "warning"),
    [
        ("TILT: reconstruction".ljust(80) + "clip: flipyz".ljust(80), "true", "mirrored"),
        ("clip: flipyz".ljust(80) + "clip: rotx - rotation by -90 around X", "true", None),
        ("clip: rotx - rotation by -90 around X", "true", None),
        ("", "false", "slices lie along Y"),
        ("", "no result", None),
    ],
)
def test_how_the_volume_was_turned(
    tmp_path: Path, titles: str, flipped: str, warning: str | None
) -> None:
    make_data_set(
        tmp_path, "TS", "TS.rec", titles=titles, **{"ReconstructionState.TrimvolFlipped": flipped}
    )
    warnings = final_tomogram(find_data_sets(tmp_path)[0]).warnings
    assert [warning in text for text in warnings] == ([True] if warning else [])


def task(folder: Path, name: str = "TS_01_rec", *entries: tuple[str, str]) -> Task:
    return Task(
        folder / f"{name}.mrc",
        folder / f"{name}_vesicles.mod",
        [("OutputTable", folder / f"{name}_vesicles.csv")],
        entries,
    )


def test_the_files_of_a_set_and_what_they_say(tmp_path: Path) -> None:
    tasks = [task(tmp_path / "TS_01"), task(tmp_path, "b", ("InvertContrast", ""))]
    files = write_com_files(tmp_path, tasks, PROGRAM)
    names = ["vesimod.com", "vesimod-001.com", "vesimod-002.com", "vesimod-finish.com"]
    assert [file.name for file in files] == names
    chunks = [parse_com(file) for file in files]
    command = "/opt/vesimod/bin/python -u -m vesimod.pip -StandardInput"
    first = [
        "InputFile TS_01/TS_01_rec.mrc",
        "OutputModel TS_01/TS_01_rec_vesicles.mod",
        "OutputTable TS_01/TS_01_rec_vesicles.csv",
    ]
    assert chunks[1] == [(command, first)]
    assert chunks[2][0][1] == [
        "InputFile b.mrc",
        "OutputModel b_vesicles.mod",
        "OutputTable b_vesicles.csv",
        "InvertContrast",
    ]
    summary = ["SummaryFile TS_01/TS_01_rec_vesicles.mod", "SummaryFile b_vesicles.mod"]
    assert chunks[3] == [(command, summary)]
    assert chunks[0] == chunks[1] + chunks[2] + chunks[3]
    for file in files:
        assert file.read_bytes().startswith(MARK.encode())
        assert b"\r" not in file.read_bytes()


@pytest.mark.slow
def test_many_chunks_are_numbered_as_processchunks_expects(tmp_path: Path) -> None:
    files = write_com_files(tmp_path, [task(tmp_path)] * 1001, PROGRAM)
    assert [files[i].name for i in (1, 999, 1000, 1001)] == [
        "vesimod-001.com",
        "vesimod-999.com",
        "vesimod-1000.com",
        "vesimod-1001.com",
    ]


def test_slabs_are_joined_after_all_of_them(tmp_path: Path) -> None:
    tasks = [replace(task(tmp_path, name), slabs=n) for name, n in (("a", 2), ("b", 1), ("c", 3))]
    files = write_com_files(tmp_path, tasks, PROGRAM, tmp_path / "summary.csv")
    names = ["001", "002", "003", "004", "005", "006", "007-sync", "008", "finish"]
    assert [file.name for file in files[1:]] == [f"vesimod-{name}.com" for name in names]
    inputs = [parse_com(file)[0][1] for file in files[1:]]
    assert [(lines[0][10], lines[3:]) for lines in inputs[:-1]] == [
        ("a", ["NumberOfSlabs 2", "SlabNumber 1"]),
        ("a", ["NumberOfSlabs 2", "SlabNumber 2"]),
        ("b", []),
        ("c", ["NumberOfSlabs 3", "SlabNumber 1"]),
        ("c", ["NumberOfSlabs 3", "SlabNumber 2"]),
        ("c", ["NumberOfSlabs 3", "SlabNumber 3"]),
        ("a", ["NumberOfSlabs 2"]),
        ("c", ["NumberOfSlabs 3"]),
    ]
    assert inputs[-1][-1] == "OutputTable summary.csv"
    sequence = parse_com(files[0])  # one after the other, nothing is cut
    assert len(sequence) == 4
    assert not any("Slab" in entry for _, lines in sequence for entry in lines)


def test_a_smaller_set_leaves_nothing_of_a_larger_one(tmp_path: Path) -> None:
    write_com_files(tmp_path, [task(tmp_path)] * 3, PROGRAM)
    for number in (1, 3):
        (tmp_path / f"vesimod-00{number}.log").write_text("CHUNK DONE\n")
    write_com_files(tmp_path, [task(tmp_path)], PROGRAM)
    # A log with the mark would make `processchunks -r` skip the new chunk.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "vesimod-001.com",
        "vesimod-001.log~",
        "vesimod-003.log~",
        "vesimod-finish.com",
        "vesimod.com",
    ]


@pytest.mark.parametrize("name", ["vesimod.com", "vesimod-007.com", "vesimod-start.com"])
def test_com_files_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    write_com_files(tmp_path, [task(tmp_path)] * 2, PROGRAM)
    (tmp_path / name).write_text("$mine\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match=rf"{name}: was not written by vesimod"):
        write_com_files(tmp_path, [task(tmp_path)], PROGRAM)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["50%b", "a$b", 'a"b', "a\\b", "a #b"])
def test_names_that_a_com_file_cannot_hold_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"com files cannot hold.*rename"):
        write_com_files(tmp_path, [task(tmp_path, name)], PROGRAM)
    with pytest.raises(ValueError, match="install vesimod"):
        write_com_files(tmp_path, [task(tmp_path)], ["/opt/100%/python"])
    assert list(tmp_path.iterdir()) == []


def test_a_set_needs_a_tomogram(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tomogram"):
        write_com_files(tmp_path, [], PROGRAM)
