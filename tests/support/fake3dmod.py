"""Plays 3dmod in tests: a program that speaks its protocol, with a person's acts from a file.

    python fake3dmod.py FOLDER -W -L TOMOGRAM MODEL

It reads commands from its standard input and answers on its standard error as 3dmod does:
saves and loads are answered before they are done, files are written in place and slowly,
loading a model while the present one has changes raises a question. What the person does
comes as lines in FOLDER/person.txt:

    click X Y Z      add a point to the first scattered object
    move N X Y Z     move point N of it, from 0
    size N R         set its radius
    delete N         delete it, leaving an empty contour
    outline          draw a closed contour in a new object
    saveas NAME      File > Save Model As
    save             press s
    before ACTION ...   do the rest of the line just before the next command ACTION
    deaf SECONDS     do not read commands for so long
    quit
FOLDER/log.txt says what was done.
"""

from __future__ import annotations

import queue
import struct
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from vesimod_imod.model.chunks import join_chunks, parse_chunks
from vesimod_imod.model.objects import ModelObject, object_chunks

ARGUMENTS = {"1": 1, "2": 0, "4": 0, "6": 1, "7": 1, "11": 5, "12": 5, "15": 4, "16": 4}


class Fake3dmod:
    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.path = folder, model
        self.model = parse_chunks(model.read_bytes())
        self.changed = self.backed_up = False
        self.before: list[tuple[str, str]] = []
        self.deaf_until = 0.0

    def log(self, text: str) -> None:
        with (self.folder / "log.txt").open("a") as stream:
            stream.write(text + "\n")

    def answer(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    # What the person does

    def person(self, line: str) -> None:
        act, *words = line.split()
        chunks = list(self.model.chunks)
        starts = [i for i, (tag, _) in enumerate(chunks) if tag == b"CONT"]
        if act == "before":
            self.before.append((words[0], " ".join(words[1:])))
            return
        if act == "deaf":
            self.deaf_until = time.monotonic() + float(words[0])
            return
        if act == "quit":
            raise SystemExit(0)
        if act == "save":
            self.save()
            return
        if act == "saveas":
            self.path = self.path.with_name(words[0])
            self.backed_up = not self.path.exists()
            self.save()
            return
        if act == "outline":
            outline = ModelObject(
                "", 0, (1.0, 0.0, 1.0), 0, 0, np.eye(3, dtype=np.float32), np.array([3]),
                np.array([0]), np.full(3, -1, np.float32), np.full(3, np.nan, np.float32), ("",),
            )  # fmt: skip
            last = max(i for i, (tag, _) in enumerate(chunks) if tag in (b"CONT", b"IMAT", b"OBJT"))
            chunks[last + 1 : last + 1] = object_chunks(outline)
            header = bytearray(self.model.header)
            struct.pack_into(">i", header, 140, struct.unpack_from(">i", header, 140)[0] + 1)
            self.model = replace(self.model, header=bytes(header))
        elif act == "click":
            head = next(i for i, (tag, _) in enumerate(chunks) if tag == b"OBJT")
            data = bytearray(chunks[head][1])
            assert struct.unpack_from(">i", data, 64)[0] == 1, "clicks would share a contour"
            count = struct.unpack_from(">i", data, 128)[0]
            struct.pack_into(">i", data, 128, count + 1)
            chunks[head] = (b"OBJT", bytes(data))
            # After the last contour of the first object: saved without SIZE and LABL.
            end = head + 1
            while chunks[end][0] in (b"CONT", b"SIZE", b"LABL", b"COST"):
                end += 1
            xyz = struct.pack(">3f", *map(float, words))
            chunks.insert(end, (b"CONT", struct.pack(">4i", 1, 0, 0, 0) + xyz))
        else:
            at = starts[int(words[0])]
            data = chunks[at][1]
            if act == "move":
                chunks[at] = (b"CONT", data[:16] + struct.pack(">3f", *map(float, words[1:])))
            elif act == "size":
                size = (b"SIZE", struct.pack(">f", float(words[1])))
                place = next((i for i in range(at, at + 4) if chunks[i][0] == b"SIZE"), None)
                if place is None:
                    chunks.insert(at + 1, size)
                else:
                    chunks[place] = size
            elif act == "delete":
                chunks[at] = (b"CONT", struct.pack(">4i", 0, 0, 0, 0))
                end = at + 1
                while chunks[end][0] in (b"SIZE", b"LABL", b"COST"):
                    end += 1
                chunks[at + 1 : end] = [c for c in chunks[at + 1 : end] if c[0] == b"LABL"]
        self.model, self.changed = replace(self.model, chunks=chunks), True
        self.log(line)

    def save(self) -> None:
        # 3dmod keeps what it knows, not our unknown chunks; views change with every save.
        view = (b"VIEW", struct.pack(">d", time.time()))
        chunks = [chunk for chunk in self.model.chunks if chunk[0] != b"VIEW"]
        self.model = replace(self.model, chunks=[*chunks, view])
        data = join_chunks(self.model)
        if not self.backed_up and self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + "~"))
            self.backed_up = True
        with self.path.open("wb") as stream:  # in place, and not at once
            for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                stream.write(part)
                stream.flush()
                time.sleep(0.05)
        self.changed = False
        self.log("saved")

    # What 3dmod is told

    def obey(self, line: str) -> bool:
        words = line.split()
        while words:
            action, count = words[0], ARGUMENTS.get(words[0])
            if count is None or len(words) <= count:
                self.answer("ERROR")
                return True
            arguments, words = words[1 : 1 + count], words[1 + count :]
            for when, act in [b for b in self.before if b[0] == action]:
                self.before.remove((when, act))
                self.person(act)
            self.log(" ".join([f"action {action}", *arguments]))
            if action == "4":
                return False
            if action in ("2", "7"):
                self.answer("OK")
            if action == "2":
                self.save()
            elif action == "7":
                if self.changed:
                    self.log("asked: Save current model? Yes")
                    self.save()
                self.model = parse_chunks(Path(arguments[0]).read_bytes())
                self.changed = False
        if not line.startswith(("2", "7")):
            self.answer("OK")
        return True


def main() -> None:
    folder, *options, _tomogram, model = sys.argv[1:]
    assert options == ["-W", "-L"]
    fake = Fake3dmod(Path(folder), Path(model))
    commands: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: [commands.put(x) for x in sys.stdin], daemon=True).start()
    script, done = Path(folder) / "person.txt", 0
    time.sleep(0.05)
    fake.answer("Window id = 4194312")
    while True:
        text = script.read_text() if script.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        for line in lines[done:]:
            fake.person(line)
        done = len(lines)
        if time.monotonic() > fake.deaf_until:
            while not commands.empty():
                if not fake.obey(commands.get().strip()):
                    return
        time.sleep(0.01)


if __name__ == "__main__":
    main()
