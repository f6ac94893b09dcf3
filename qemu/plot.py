# SPDX-License-Identifier: GPL-2.0
"""Draws lines in a plot with two axes, as SVG: what bench.py shows of its rows.

Nothing that Debian packages for this is in the build root, and nothing more is needed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 800, 400
# The legend stands on the right.
LEFT, RIGHT, TOP, BOTTOM = 80, 210, 40, 50
# Told apart without their colours, too: by dashes and by the shape of the points.
STYLES = [("#1b5e9e", "", "circle"), ("#b8401a", "6 3", "square"), ("#1b5e9e", "2 3", "square"),
          ("#b8401a", "8 3 2 3", "circle")]


@dataclass
class Line:
    """A line of the legend, and its points, from left to right."""

    label: str
    points: list[tuple[float, float]]


@dataclass
class Axis:
    """An axis with its words. On a logarithmic one all values are above 0."""

    label: str
    logarithmic: bool = True

    def scale(self, values: list[float]) -> tuple[list[float], Callable[[float], float]]:
        """Where the axis has marks, from its begin to its end, and what part of it lies before a value."""
        if self.logarithmic:
            first = math.floor(math.log10(min(values)))
            last = max(math.ceil(math.log10(max(values))), first + 1)
            return ([10.0 ** n for n in range(first, last + 1)],
                    lambda value: (math.log10(value) - first) / (last - first))
        step = 10.0 ** math.floor(math.log10(max(values) or 1))
        if max(values) / step < 3:
            step /= 2
        steps = math.ceil(max(values) / step) or 1
        return [n * step for n in range(steps + 1)], lambda value: value / (steps * step)


def number(value: float) -> str:
    for size, unit in ((10 ** 9, "G"), (10 ** 6, "M"), (10 ** 3, "k")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def point(x: float, y: float, colour: str, shape: str) -> str:
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
    return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{colour}"/>'


def svg(title: str, across: Axis, up: Axis, lines: list[Line]) -> str:
    """The plot of all lines that have points, of which there must be one."""
    lines = [line for line in lines if line.points]
    x_marks, x_part = across.scale([x for line in lines for x, _ in line.points])
    y_marks, y_part = up.scale([y for line in lines for _, y in line.points])

    def x_of(value: float) -> float:
        return LEFT + x_part(value) * (WIDTH - LEFT - RIGHT)

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - y_part(value) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text((LEFT + WIDTH - RIGHT) / 2, 22, title, more=' font-size="15"')]
    for mark in x_marks:
        out += [f'<path d="M{x_of(mark):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>',
                text(x_of(mark), HEIGHT - BOTTOM + 16, number(mark))]
    for mark in y_marks:
        out += [f'<path d="M{LEFT} {y_of(mark):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>',
                text(LEFT - 6, y_of(mark) + 4, number(mark), "end")]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out += [f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="black"/>',
            text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across.label),
            text(18, middle, up.label, more=f' transform="rotate(-90 18 {middle:.1f})"')]
    for n, line in enumerate(lines):
        colour, dashes, shape = STYLES[n % len(STYLES)]
        stroke = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes or "none"}"'
        places = [(x_of(x), y_of(y)) for x, y in line.points]
        out.append(f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in places)}" {stroke}/>')
        out += [point(x, y, colour, shape) for x, y in places]
        y = TOP + 14 + 18 * n
        x = WIDTH - RIGHT + 15
        out += [f'<path d="M{x} {y}h30" {stroke}/>', point(x + 15, y, colour, shape),
                text(x + 38, y + 4, line.label, "start")]
    return "\n".join([*out, "</svg>"]) + "\n"
