"""Draws a bar chart as SVG: seconds on a logarithmic scale, because they span three decades."""

from dataclasses import dataclass
from html import escape
from math import log10

_LEFT, _WIDTH, _RIGHT = 340, 560, 70
_TOP, _STEP, _BAR = 62, 38, 13
_SHORTEST_S, _LONGEST_S = 0.1, 1000.0
_COLOURS = {"ours": "#0b7285", "momonga": "#f08c00", "limit": "#212529"}


@dataclass(frozen=True, slots=True)
class Bar:
    """Two figures in seconds to be compared, and the lower limit of both."""

    title: str
    ours: float
    momonga: float
    limit: float | None


def draw(bars: list[Bar]) -> str:
    """Return the chart as the text of an SVG file."""
    height = _TOP + _STEP * len(bars) + 12
    width = _LEFT + _WIDTH + _RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        ' font-family="sans-serif" font-size="13" fill="#212529">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_key(),
        *_axis(height),
    ]
    for number, bar in enumerate(bars):
        parts += _pair(bar, _TOP + 6 + number * _STEP)
    return "\n".join([*parts, "</svg>", ""])


def _x(seconds: float) -> float:
    place = log10(min(max(seconds, _SHORTEST_S), _LONGEST_S) / _SHORTEST_S) / log10(
        _LONGEST_S / _SHORTEST_S
    )
    return _LEFT + _WIDTH * place


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _box(x: float, y: float, width: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.0f}" width="{width:.1f}" height="{_BAR}" '
        f'fill="{_COLOURS[colour]}"/>'
    )


def _key() -> list[str]:
    parts = []
    names = {
        "ours": "this stack",
        "momonga": "momonga 0.7.0",
        "limit": "the radio alone (black line)",
    }
    for number, (colour, name) in enumerate(names.items()):
        x = _LEFT + number * 140
        parts += [_box(x, 10, 14, colour), _text(x + 20, 21, name)]
    return parts


def _axis(height: float) -> list[str]:
    parts = [_text(_LEFT - 24, 48, "seconds (logarithmic)", "end")]
    for decade in (0.1, 1.0, 10.0, 100.0, 1000.0):
        x = _x(decade)
        parts.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - 8}" stroke="#ced4da"/>'
        )
        parts.append(_text(x, 48, f"{decade:g}", "middle"))
    return parts


def _pair(bar: Bar, y: float) -> list[str]:
    parts = [_text(_LEFT - 10, y + 18, bar.title, "end")]
    for name, seconds, top in (("ours", bar.ours, y), ("momonga", bar.momonga, y + _BAR + 1)):
        end = _x(seconds)
        parts.append(_box(_LEFT, top, end - _LEFT, name))
        parts.append(_text(end + 5, top + 11, f"{seconds:.3g}"))
    if bar.limit is not None:
        x = _x(bar.limit)
        parts.append(
            f'<line x1="{x:.1f}" y1="{y - 3:.0f}" x2="{x:.1f}" y2="{y + 2 * _BAR + 4:.0f}" '
            f'stroke="{_COLOURS["limit"]}" stroke-width="2"/>'
        )
    return parts
