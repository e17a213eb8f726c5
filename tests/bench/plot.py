"""A plot of delay against requests, as SVG: two logarithmic axes, a line for each policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 720, 460
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 20, 190, 50
_X, _Y = (1.5, 80.0), (0.4, 20.0)
_X_TICKS, _Y_TICKS = (2, 3, 5, 10, 20, 40, 70), (0.5, 1, 2, 5, 10, 20)
_COLOURS = ("#777777", "#b07aa1", "#4e79a7", "#e15759", "#4e79a7", "#e15759")


@dataclass(frozen=True)
class Curve:
    """A line through points of requests and delay.

    :param dashed: what nobody can do better than.
    """

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def draw(path: Path, curves: Sequence[Curve]) -> None:
    """Write the plot."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    ]
    parts += [_vertical(tick) for tick in _X_TICKS] + [_horizontal(tick) for tick in _Y_TICKS]
    parts += [_line(curve, colour, place) for place, (curve, colour) in enumerate(zip(curves, _COLOURS, strict=True))]
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts += [
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, "requests per job", "middle"),
        f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">mean delay, seconds</text>',
        "</svg>\n",
    ]
    path.write_text("\n".join(parts))


def _across(requests: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * math.log(requests / _X[0]) / math.log(_X[1] / _X[0]), 1)


def _down(delay: float) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * math.log(delay / _Y[0]) / math.log(_Y[1] / _Y[0]), 1)


def _vertical(tick: float) -> str:
    x, low = _across(tick), _HEIGHT - _BOTTOM
    rule = f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{low}" stroke="#dddddd"/>'
    return rule + _text(x, low + 18, f"{tick:g}", "middle")


def _horizontal(tick: float) -> str:
    y, right = _down(tick), _WIDTH - _RIGHT
    rule = f'<line x1="{_LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#dddddd"/>'
    return rule + _text(_LEFT - 8, y + 4, f"{tick:g}", "end")


def _line(curve: Curve, colour: str, place: int) -> str:
    inside = sorted(point for point in curve.points if _X[0] <= point[0] <= _X[1] and _Y[0] <= point[1] <= _Y[1])
    course = " ".join(f"{_across(requests)},{_down(delay)}" for requests, delay in inside)
    style = f'fill="none" stroke="{colour}" stroke-width="2"' + (' stroke-dasharray="5 4"' if curve.dashed else "")
    x, y = _WIDTH - _RIGHT + 12, _TOP + 14 + 20 * place
    key = f'<line x1="{x}" y1="{y - 4}" x2="{x + 24}" y2="{y - 4}" {style}/>'
    return f'<polyline points="{course}" {style}/>{key}{_text(x + 30, y, curve.name, "start")}'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#333333">{escape(words)}</text>'
