"""Plain line charts as SVG: small, text as text, readable on light and dark pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 52, 44
# A point nearer than this to the one labelled before goes without.
LABEL_WIDTH = 32
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #424a53; }
.title { font-weight: 600; font-size: 13px; fill: #1f2328; }
.axis { stroke: #8c959f; }
.grid { stroke: #8c959f; stroke-opacity: .25; }
.a, .b { fill: none; stroke-width: 2; }
.a { stroke: #0969da; } .b { stroke: #bc4c00; }
.dot-a { fill: #0969da; } .dot-b { fill: #bc4c00; }
.value { font-size: 10.5px; }
@media (prefers-color-scheme: dark) {
  text { fill: #b1bac4; } .title { fill: #f0f6fc; }
  .a { stroke: #58a6ff; } .b { stroke: #f0883e; }
  .dot-a { fill: #58a6ff; } .dot-b { fill: #f0883e; }
}
"""


@dataclass(frozen=True)
class Line:
    """Values over the x of its panel."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """One pair of axes; both begin at 0."""

    title: str
    x_label: str
    xs: Sequence[float]
    lines: Sequence[Line]


def chart(panels: Sequence[Panel], description: str) -> str:
    """The panels side by side."""
    width = WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}"'
        f' height="{HEIGHT}" role="img">',
        f"<title>{escape(description)}</title>",
        f"<style>{STYLE}</style>",
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * WIDTH} 0)">')
        parts.extend(draw(panel))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def draw(panel: Panel) -> Iterator[str]:
    x_step = round_step(max(panel.xs))
    y_step = round_step(max(max(line.values) for line in panel.lines))
    x_end = steps_to(max(panel.xs), x_step)
    y_end = steps_to(max(max(line.values) for line in panel.lines), y_step)

    def x_at(value: float) -> float:
        return LEFT + value / x_end * (WIDTH - LEFT - RIGHT)

    def y_at(value: float) -> float:
        return HEIGHT - BOTTOM - value / y_end * (HEIGHT - TOP - BOTTOM)

    yield f'<text class="title" x="{LEFT}" y="18">{escape(panel.title)}</text>'
    for value in ticks(y_end, y_step):
        kind = "grid" if value else "axis"
        y = y_at(value)
        yield f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>'
    for value in ticks(x_end, x_step):
        yield (
            f'<text x="{x_at(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{short(value)}</text>"
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(panel.x_label)}</text>'
    for nth, (line, color) in enumerate(zip(panel.lines, "ab", strict=False)):
        places = [(x_at(x), y_at(y)) for x, y in zip(panel.xs, line.values, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline class="{color}" points="{path}"/>'
        others = [other.values for other in panel.lines if other is not line]
        labelled = 0.0
        for at, (x, y) in enumerate(places):
            yield f'<circle class="dot-{color}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
            if x - labelled >= LABEL_WIDTH or at + 1 == len(places):
                value, labelled = line.values[at], x
                # The higher of two values stands above its point, the other below.
                is_highest = all((value, nth) > (other[at], 1 - nth) for other in others)
                yield label(x, y + (-8 if is_highest else 17), value)
        yield f'<circle class="dot-{color}" cx="{LEFT + 5 + nth * 130}" cy="32" r="4"/>'
        yield f'<text x="{LEFT + 14 + nth * 130}" y="36">{escape(line.name)}</text>'


def label(x: float, y: float, value: float) -> str:
    # Clear of the figures of the axis.
    x, anchor = (x + 3, "start") if x - LEFT < LABEL_WIDTH / 2 else (x, "middle")
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="value" {place}>{short(value)}</text>'


def round_step(most: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, of which four to eight reach the most."""
    rough = most / 5 or 1
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def steps_to(most: float, step: float) -> float:
    """The least multiple of the step above the most, so that a label fits above it."""
    return (floor(most / step * 1.02) + 1) * step


def ticks(end: float, step: float) -> list[float]:
    return [nth * step for nth in range(round(end / step) + 1)]


def short(value: float) -> str:
    """Two digits, or the whole number; no more than a chart can show."""
    if value >= 10_000:
        return f"{value / 1000:.3g}k"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
