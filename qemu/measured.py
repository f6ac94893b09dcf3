# SPDX-License-Identifier: GPL-2.0
"""What hook-cost measured: how it is read from what a guest says, and kept as JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

COMMAND = "make bench SAVE=1"


@dataclass
class Row:
    """What something takes above nothing attached, with KRSI and with BPF LSM."""

    title: str
    krsi: int | None
    bpf_lsm: int | None = None


@dataclass
class Figures:
    """All that was measured. The names of rows stay the same for ever."""

    kernel: str = ""
    unit: str = "instructions"
    rows: dict[str, Row] = field(default_factory=dict)
    # What takes memory has bytes in the place of instructions: ring buffer, perf's buffers.
    memory: dict[str, list[int]] = field(default_factory=dict)
    # What is measured in whole: a row only by comparison with a kernel that has no KRSI.
    whole: dict[str, Row] = field(default_factory=dict)


class Malformed(Exception):
    """A line that is not what hook-cost prints, or one row twice."""


def count(word: str) -> int | None:
    return None if word == "-" else int(word)


def parse(output: str) -> Figures:
    """The rows among all that a guest says."""
    figures = Figures()
    for line in output.splitlines():
        words = line.rstrip("\r").split("\t")
        try:
            match words:
                case ["kernel", release]:
                    figures.kernel = release
                case ["bench", name, krsi, twin, title]:
                    new(figures.rows, name)[name] = Row(title, count(krsi), count(twin))
                case ["whole", name, number, title]:
                    new(figures.whole, name)[name] = Row(title, int(number))
                case ["memory", name, ring, perf, _]:
                    new(figures.memory, name)[name] = [int(ring), int(perf)]
                case ["kernel" | "bench" | "whole" | "memory", *_]:
                    raise Malformed(line)
        except ValueError as error:
            raise Malformed(line) from error
    return figures


def new(rows: dict, name: str) -> dict:
    if name in rows:
        raise Malformed(f"{name} twice")
    return rows


def compare_whole(figures: Figures, without: Figures) -> None:
    """Rows of what KRSI costs with nothing attached, before all others."""
    nothing = {name: Row(f"{row.title}, nothing attached, above a kernel without KRSI", row.krsi - without.whole[name].krsi)
               for name, row in figures.whole.items() if name in without.whole}
    figures.rows = nothing | figures.rows


def read(output: Path, without: Path | None) -> Figures:
    figures = parse(output.read_text(errors="replace"))
    if without:
        compare_whole(figures, parse(without.read_text(errors="replace")))
    return figures


def load(path: Path) -> Figures:
    saved = json.loads(path.read_text())
    rows = {name: Row(**row) for name, row in saved["rows"].items()}
    return Figures(saved["kernel"], saved["unit"], rows, saved["memory"])


def dump(figures: Figures) -> str:
    saved = {"command": COMMAND, "kernel": figures.kernel, "unit": figures.unit,
             "rows": {name: asdict(row) for name, row in figures.rows.items()}, "memory": figures.memory}
    return json.dumps(saved, indent=1) + "\n"
