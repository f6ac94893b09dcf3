# SPDX-License-Identifier: GPL-2.0
"""The figures as tables: on a terminal, in Markdown, in reST; and where the documentation
quotes them. It has, in a comment, `begin costs` with the word all or short or names of rows, and
`end costs`: what stands between the two is written by bench.py.
"""

import re
from pathlib import Path

from measured import Figures

# What README and building.rst quote.
SHORT = ["nothing.exec", "exec.policies.1", "exec.policies.8", "env.vars.20.one", "env.vars.200.one",
         "env.vars.20.env_audit", "exec.executable_unlink", "unlink.file_unlink", "unlink.ordinary",
         "unlink.executed", "mmap.empty", "mount.loop", "event.ring", "event.perf"]
HEAD = ["row", "above nothing attached", "KRSI", "BPF LSM"]
QUOTED = re.compile(r"(^[^\n]*\bbegin costs: ([\w. ]+)[^\n]*\n).*?(^[^\n]*\bend costs\b)", re.DOTALL | re.MULTILINE)


def number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def words(title: str) -> str:
    """With its long numbers in groups, as those of the columns are."""
    return re.sub(r"\d{4,}", lambda found: number(int(found[0])), title)


def cells(figures: Figures, names: list[str] | None = None) -> list[list[str]]:
    """The rows, or those with these names."""
    return [[name, words(row.title), number(row.krsi), number(row.bpf_lsm)]
            for name, row in figures.rows.items() if names is None or name in names]


def memory_cells(figures: Figures) -> list[list[str]]:
    return [[name.split(".")[1], number(ring), number(perf)] for name, (ring, perf) in figures.memory.items()]


def rates(figures: Figures) -> str:
    """How many events reach their reader on a processor that does nothing else, none of them lost."""
    found = []
    for name, what in (("event.ring.read", "the ring buffer"), ("event.perf.read", "perf's buffers")):
        row = figures.rows.get(name)
        if row and row.krsi and figures.unit == "instructions":
            found.append(f"{10 ** 9 // row.krsi:,} by {what}")
    return f"Events a second at 10^9 instructions a second, without loss: {', '.join(found)}." if found else ""


def widths(rows: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows)]


def aligned(row: list[str], wide: list[int], left: int) -> str:
    """A line of a table: the first cells begin where the others end."""
    return "  ".join(cell.ljust(width) if n < left else cell.rjust(width)
                     for n, (cell, width) in enumerate(zip(row, wide))).rstrip()


def terminal(figures: Figures) -> str:
    rows = [HEAD, *cells(figures)]
    lines = [aligned(row, widths(rows), 2) for row in rows]
    if rate := rates(figures):
        lines += ["", rate]
    if figures.memory:
        memory = [["processors", "ring buffer", "perf's buffers"], *memory_cells(figures)]
        lines += ["", "bytes of memory for events", *(aligned(row, widths(memory), 0) for row in memory)]
    return "\n".join(lines)


def markdown_table(head: list[str], rows: list[list[str]], left: int) -> str:
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "".join("| " + " | ".join(row) + " |\n" for row in (head, rule, *rows))


def markdown(figures: Figures) -> str:
    text = f"Linux {figures.kernel}, {figures.unit}\n\n" + markdown_table(HEAD, cells(figures), 2)
    if rate := rates(figures):
        text += f"\n{rate}\n"
    if figures.memory:
        text += "\n" + markdown_table(["processors", "ring buffer, bytes", "perf's buffers, bytes"],
                                      memory_cells(figures), 0)
    return text


def rest_table(head: list[str], rows: list[list[str]], left: int) -> str:
    wide = widths([head, *rows])
    rule = "  ".join("=" * width for width in wide)
    return "\n".join([rule, aligned(head, wide, left), rule, *(aligned(row, wide, left) for row in rows), rule]) + "\n"


def quoted(figures: Figures, kind: str, rest: bool) -> str:
    """What stands at a place that quotes: without the rows' names unless it has all of them."""
    if kind == "all":
        text = rest_table(HEAD, cells(figures), 2)
        if rate := rates(figures):
            text += f"\n{rate}\n"
        if figures.memory:
            text += "\n" + rest_table(["processors", "ring buffer, bytes", "perf's buffers, bytes"],
                                      memory_cells(figures), 0)
        return text
    rows = [row[1:] for row in cells(figures, SHORT if kind == "short" else kind.split())]
    head = [f"{figures.unit} above nothing attached", *HEAD[2:]]
    return rest_table(head, rows, 1) if rest else markdown_table(head, rows, 1)


def rewrite(text: str, figures: Figures, rest: bool) -> str:
    """A document with the figures of today at each place that quotes."""
    return QUOTED.sub(lambda found: f"{found[1]}\n{quoted(figures, found[2], rest)}\n{found[3]}", text)


def save(figures: Figures, documentation: Path) -> None:
    for path in (*sorted(documentation.glob("*.rst")), documentation.parent / "README.md"):
        old = path.read_text()
        path.write_text(rewrite(old, figures, path.suffix == ".rst"))
