#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Reads what hook-cost printed in the guest, and makes of it a table, files and plots, or
compares it with the figures that are committed; run by bench.sh, bench-check.sh and test.sh.

    bench.py report OUTPUT --into DIR [--without OUTPUT] [--unit U] [--save DOCUMENTATION]
    bench.py check OUTPUT FIGURES [--without OUTPUT] [--part]      prints KTAP
"""

import argparse
import sys
from pathlib import Path

import plot
import quote
from measured import COMMAND, Figures, Malformed, dump, load, read
from plot import Axis, Line

# By how much a figure may differ from the committed one: the larger of the two.
PART, LEAST = 0.02, 20


def points(figures: Figures, begin: str, end: str = "", twin: bool = False) -> list[tuple[float, float]]:
    """A point for each row BEGIN.N.END; on logarithmic axes there is no place for 0."""
    found = []
    for name, row in figures.rows.items():
        middle = name.removeprefix(begin + ".").removesuffix(end)
        value = row.bpf_lsm if twin else row.krsi
        if name == f"{begin}.{middle}{end}" and middle.isdigit() and value is not None and value > 0:
            found.append((float(middle), float(value)))
    return sorted(found)


def plots(figures: Figures) -> dict[str, str]:
    """The plots by their names, but for those without a row."""
    def pair(begin: str, what: str = "", end: str = "") -> list[Line]:
        return [Line("KRSI" + what, points(figures, begin, end)),
                Line("BPF LSM" + what, points(figures, begin, end, True))]

    up = Axis(figures.unit)
    memory = [(float(name.split(".")[1]), sizes) for name, sizes in figures.memory.items()]
    drawn = {
        "env": ("An exec whose environment is read", Axis("bytes of environment"), up,
                pair("env.bytes", ", one variable", ".one") + pair("env.bytes", ", all of them", ".all")),
        "policies": ("An exec with empty policies", Axis("policies", False), Axis(figures.unit, False),
                     pair("exec.policies")),
        "args": ("An exec whose arguments are read", Axis("arguments"), up, pair("exec.args")),
        "removal": ("The removal of an executed file", Axis("links or processes more"), up,
                    pair("unlink.links", ", by links") + pair("unlink.processes", ", by processes")),
        "memory": ("Memory of buffers for events", Axis("processors"), Axis("bytes"),
                   [Line("ring buffer", [(x, float(sizes[0])) for x, sizes in memory]),
                    Line("perf's buffers", [(x, float(sizes[1])) for x, sizes in memory])]),
    }
    return {name: plot.svg(*what) for name, what in drawn.items() if any(line.points for line in what[3])}


def report(args: argparse.Namespace) -> int:
    figures = read(args.output, args.without)
    figures.unit = args.unit
    if not figures.rows:
        sys.exit("krsi: error: the guest measured nothing")
    print(quote.terminal(figures))
    args.into.mkdir(parents=True, exist_ok=True)
    (args.into / "results.json").write_text(dump(figures))
    (args.into / "results.md").write_text(quote.markdown(figures))
    for name, drawing in plots(figures).items():
        (args.into / f"costs-{name}.svg").write_text(drawing)
    if args.save:
        (args.save / "costs.json").write_text(dump(figures))
        for name, drawing in plots(figures).items():
            (args.save / f"costs-{name}.svg").write_text(drawing)
        quote.save(figures, args.save)
    return 0


def differs(now: int | None, then: int | None) -> bool:
    if now is None or then is None:
        return now is not then
    return abs(now - then) > max(LEAST, PART * abs(then))


def check_row(name: str, now: Figures, then: Figures) -> list[str]:
    """Why a row is not as committed."""
    if name not in then.rows:
        return ["no such row is committed"]
    if name not in now.rows:
        return ["was not measured"]
    return [f"{who}: {new} instructions, committed are {old}"
            for who, new, old in (("KRSI", now.rows[name].krsi, then.rows[name].krsi),
                                  ("BPF LSM", now.rows[name].bpf_lsm, then.rows[name].bpf_lsm))
            if differs(new, old)]


def check(args: argparse.Namespace) -> int:
    now, then = read(args.output, args.without), load(args.figures)
    names = list(now.rows) if args.part else list(dict.fromkeys([*then.rows, *now.rows]))
    # None is a failure as well.
    print(f"TAP version 13\n1..{len(names) or 1}")
    failed = 0 if names else 1
    if not names:
        print("not ok 1 - a row was measured")
    for number, name in enumerate(names, 1):
        found = check_row(name, now, then)
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {name}")
        for line in found:
            print(f"# {name}: {line}")
    if failed:
        print(f"# {failed} of {len(names)} rows differ by more than {PART:.0%} and {LEAST} instructions;"
              f" `{COMMAND}` commits what was measured")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for run in (report, check):
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        command.add_argument("output", type=Path, help="what the guest printed")
        command.add_argument("--without", type=Path, help="what the same printed without KRSI")
        if run is report:
            command.add_argument("--into", type=Path, required=True, help="where table, figures and plots go")
            command.add_argument("--unit", default="instructions", help="what is counted")
            command.add_argument("--save", type=Path, help="the documentation, to be written anew")
        else:
            command.add_argument("figures", type=Path, help="the committed ones")
            command.add_argument("--part", action="store_true", help="only some rows were measured")
    args = parser.parse_args()
    try:
        return args.run(args)
    except Malformed as error:
        sys.exit(f"krsi: error: not a row: {error}")


if __name__ == "__main__":
    sys.exit(main())
