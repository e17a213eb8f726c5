"""Small charts as SVG, drawn here: they need no script, and a screen reader is told their figures in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 560, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 6, 10, 24
_BUCKETS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, math.inf)
_LABELS = ("≤ 0.1 s", "0.5 s", "1 s", "2 s", "5 s", "10 s", "30 s", "1 min", "5 min", "more")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: how it looks (``good``, ``bad``, ``other``, ``main``) and how much it is."""

    tone: str
    value: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, its parts from bottom to top."""

    label: str
    parts: Sequence[Part]

    @property
    def total(self) -> int:
        """How high it is."""
        return sum(part.value for part in self.parts)


def bar_chart(bars: Sequence[Bar], title: str, *, label_every: int = 1) -> Markup:
    """Bars over a scale that begins at zero.

    :param title: what it shows; read aloud with the figures.
    :param label_every: so many bars share one label.
    """
    top = nice_ceiling(max((bar.total for bar in bars), default=0))
    spoken = ", ".join(f"{bar.label}: {bar.total}" for bar in bars if bar.total) or "nothing yet"
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(bars))
    drawn = [_scale(top)]
    for index, bar in enumerate(bars):
        drawn.append(_bar(bar, _LEFT + index * step, step, top))
        if index % label_every == 0:
            odd = " odd" if index // label_every % 2 else ""  # left out where there is little room
            drawn.append(_text(_LEFT + (index + 0.5) * step, _HEIGHT - 6, bar.label, "middle" + odd))
    opening = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return opening.format(_WIDTH, _HEIGHT, f"{title}. {spoken}") + Markup("").join(drawn) + Markup("</svg>")


def time_histogram(seconds: Sequence[float], title: str) -> Markup:
    """How many of these times lie between the steps of a scale from a tenth of a second to minutes."""
    counts = [0] * len(_BUCKETS)
    for each in seconds:
        counts[next(index for index, most in enumerate(_BUCKETS) if each <= most)] += 1
    bars = [Bar(label, (Part("main", count),)) for label, count in zip(_LABELS, counts, strict=True)]
    return bar_chart(bars, title)


def nice_ceiling(value: int) -> int:
    """The smallest even number of the form 2, 4 or 10 times a power of ten that is no less than ``value``."""
    step = 1
    while True:
        for factor in (2, 4, 10):
            if factor * step >= value:
                return factor * step
        step *= 10


def _scale(top: int) -> Markup:
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = _y(share)
        line = Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>')
        lines += [line.format(_LEFT, _WIDTH - _RIGHT, y, y), _text(_LEFT - 6, y + 4, f"{round(top * share):,}", "end")]
    return Markup("").join(lines)


def _bar(bar: Bar, x: float, step: float, top: int) -> Markup:
    inner = max(2.0, step * 0.72)
    drawn = [Markup("<g><title>{}</title>").format(f"{bar.label}: {bar.total:,}")]
    below = 0
    for part in bar.parts:
        if part.value:
            upper, lower = _y((below + part.value) / top), _y(below / top)
            rect = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>')
            drawn.append(rect.format(part.tone, x + (step - inner) / 2, upper, inner, max(1.0, lower - upper)))
            below += part.value
    return Markup("").join([*drawn, Markup("</g>")])


def _text(x: float, y: float, text: str, style: str) -> Markup:
    """A text; its style is a class of the style sheet."""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(style, x, y, escape(text))


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)
