"""How does each series of a report look as a picture? SVG as text, by arithmetic alone.

A picture takes its colours from an `Ink`: plain colours on paper, variables of the page's style sheet on a screen, so that
it follows dark and light. Nothing is told by colour alone: every bar has its figure or stands under its word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tocsin.core.report import Day, Group, Kept, Report, Speed
from tocsin.render import words

WIDTH = 640
_SEVERITIES = ("critical", "high", "medium", "low")
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SIZE = 'font-size="11"'


@dataclass(frozen=True, slots=True)
class Ink:
    """What each part is drawn with."""

    text: str
    soft: str
    line: str
    bar: str
    good: str
    bad: str
    critical: str
    high: str
    medium: str
    low: str
    font: str

    def of(self, severity: str) -> str:
        """The colour of a severity."""
        return {"critical": self.critical, "high": self.high, "medium": self.medium}.get(severity, self.low)


PAPER = Ink(
    text="#1c2430", soft="#5b6675", line="#d5dae1", bar="#34597d", good="#2f7d5b", bad="#b3362b",
    critical="#a3262a", high="#d9762b", medium="#d9b23a", low="#7f9bb8", font="Libertinus Serif, serif",
)  # fmt: skip
SCREEN = Ink(
    text="var(--text)", soft="var(--soft)", line="var(--line)", bar="var(--bar)", good="var(--good)", bad="var(--bad)",
    critical="var(--critical)", high="var(--high)", medium="var(--medium)", low="var(--low)", font="inherit",
)  # fmt: skip


def every(report: Report, ink: Ink) -> dict[str, str]:
    """All pictures of a report by name; one that would show nothing is missing."""
    drawn: dict[str, str] = {}
    if report.total:
        drawn["days"] = days(report.days, ink)
        if report.acknowledge and report.acknowledge.of:
            drawn["acknowledge"] = speed(report.acknowledge, "never acknowledged", ink)
        if report.resolve and report.resolve.of:
            drawn["resolve"] = speed(report.resolve, "still open", ink)
        drawn["services"] = bars([one for one in report.services if one.key][:12], ink)
    if report.sla:
        drawn["sla"] = promises(report.sla, ink)
    if report.pages:
        drawn["hours"] = hours(report.hours, ink)
    return {name: text for name, text in drawn.items() if text}


def days(series: Sequence[Day], ink: Ink) -> str:
    """Incidents a day, by severity one on another."""
    tall, left, base = 186, 34, 140
    most = max((sum(one.by_severity.values()) for one in series), default=0)
    top = _nice(most)
    step = (WIDTH - left - 8) / max(len(series), 1)
    wide = min(step * 0.72, 60)
    parts = [_rule(left, WIDTH - 8, base - base_of * 120 / 2, ink) for base_of in (0, 1, 2)]
    parts += [
        _text(left - 6, base - n * 60 + 4, words.number(round(top * n / 2)), ink, "end", soft=True)
        for n in (0, 1, 2)
        if not (n == 1 and top == 1)
    ]
    every_nth = max(1, -(-len(series) // 16))
    for n, one in enumerate(series):
        x, y = left + step * n + (step - wide) / 2, float(base)
        for severity in reversed(_SEVERITIES):
            if count := one.by_severity.get(severity, 0):
                high = count / top * 120
                y -= high
                parts.append(_box(x, y, wide, high, ink.of(severity)))
        if n % every_nth == 0:
            parts.append(
                _text(x + wide / 2, base + 15, f"{one.day.day}.{one.day.month}.", ink, "middle", soft=True)
            )
    return _svg(tall, parts + _legend(left, tall - 8, ink), "Incidents a day, by severity", ink)


def speed(taken: Speed, never: str, ink: Ink) -> str:
    """How many took how long."""
    labels = [f"≤ {words.span(edge)}" for edge in taken.edges]
    labels += [f"> {words.span(taken.edges[-1])}", never]
    most = max(taken.buckets, default=0) or 1
    left, row = 130, 22
    parts = []
    for n, (label, count) in enumerate(zip(labels, taken.buckets, strict=True)):
        y = n * row + 4
        fill = ink.bad if n == len(labels) - 1 else ink.bar
        parts += _bar(label, count / most, words.number(count), left, y, fill, ink)
    return _svg(len(labels) * row + 8, parts, "How long it took", ink)


def promises(kept: Sequence[Kept], ink: Ink) -> str:
    """Kept and missed, a bar for each severity and clock."""
    left, row = 170, 22
    wide = WIDTH - left - 150
    parts = []
    for n, one in enumerate(kept):
        y, total = n * row + 4, one.kept + one.missed
        name = "all" if one.key == "all" else words.severity(one.key)
        what = "acknowledge" if one.clock == "ack" else "resolve"
        good = wide * one.kept / total
        parts += [
            _text(left - 8, y + 12, f"{name}: {what}", ink, "end"),
            _box(left, y, good, 14, ink.good),
            _box(left + good, y, wide - good, 14, ink.bad),
            _text(
                left + wide + 8,
                y + 12,
                f"{words.share(one.share)}  ({one.kept} of {total})",
                ink,
                "start",
            ),
        ]
    return _svg(len(kept) * row + 8, parts, "Promises kept and missed", ink)


def bars(groups: Sequence[Group], ink: Ink) -> str:
    """Incidents of each service, the most first."""
    most = max((one.incidents for one in groups), default=0) or 1
    parts = []
    for n, one in enumerate(groups):
        parts += _bar(
            _cut(one.key, 26),
            one.incidents / most,
            words.number(one.incidents),
            170,
            n * 22 + 4,
            ink.bar,
            ink,
        )
    return _svg(len(groups) * 22 + 8, parts, "Incidents of each service", ink) if groups else ""


def hours(counts: Sequence[Sequence[int]], ink: Ink) -> str:
    """Pages by weekday and hour: the darker, the more; the figure stands in the field."""
    most = max((max(row) for row in counts), default=0) or 1
    left, cell, high = 40, (WIDTH - 48) / 24, 20
    parts = [
        _text(left + cell * (hour + 0.5), 12, f"{hour:02}", ink, "middle", soft=True) for hour in range(24)
    ]
    for weekday, row in enumerate(counts):
        y = 18 + weekday * high
        parts.append(_text(left - 8, y + 14, _WEEK[weekday], ink, "end", soft=True))
        for hour, count in enumerate(row):
            x = left + cell * hour
            parts.append(_box(x + 1, y + 1, cell - 2, high - 2, ink.line, opacity=0.45))
            if count:
                parts.append(
                    _box(x + 1, y + 1, cell - 2, high - 2, ink.bar, opacity=0.18 + 0.82 * count / most)
                )
                light = count / most > 0.5
                fill = "#ffffff" if light else ink.text
                parts.append(
                    f'<text x="{x + cell / 2:.1f}" y="{y + 14}" {_SIZE} text-anchor="middle" fill="{fill}">{count}</text>'
                )
    return _svg(18 + 7 * high + 6, parts, "Pages by weekday and hour", ink)


# ---- pieces ----------------------------------------------------------------------------------------------


def _svg(tall: float, parts: Sequence[str], title: str, ink: Ink) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall:.0f}" width="{WIDTH}" height="{tall:.0f}"'
        f' role="img" aria-label="{escape(title)}" font-family="{escape(ink.font)}">{"".join(parts)}</svg>'
    )


def _box(x: float, y: float, wide: float, high: float, fill: str, *, opacity: float = 1) -> str:
    if wide <= 0 or high <= 0:
        return ""
    seen = "" if opacity == 1 else f' fill-opacity="{opacity:.2f}"'
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="1.5" fill="{fill}"{seen}/>'
    )


def _text(x: float, y: float, text: str, ink: Ink, anchor: str, *, soft: bool = False) -> str:
    fill = ink.soft if soft else ink.text
    return f'<text x="{x:.1f}" y="{y:.1f}" {_SIZE} text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'


def _rule(left: float, right: float, y: float, ink: Ink) -> str:
    return f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{ink.line}" stroke-width="1"/>'


def _bar(label: str, part: float, figure: str, left: float, y: float, fill: str, ink: Ink) -> list[str]:
    wide = (WIDTH - left - 60) * part
    return [
        _text(left - 8, y + 12, label, ink, "end"),
        _box(left, y, max(wide, 0.8 if part else 0), 14, fill),
        _text(left + wide + 6, y + 12, figure, ink, "start", soft=not part),
    ]


def _legend(left: float, y: float, ink: Ink) -> list[str]:
    parts = []
    for n, severity in enumerate(_SEVERITIES):
        x = left + n * 110
        parts += [
            _box(x, y - 9, 10, 10, ink.of(severity)),
            _text(x + 15, y, words.severity(severity), ink, "start", soft=True),
        ]
    return parts


def _nice(most: int) -> int:
    """A round figure that is not less."""
    if most <= 2:
        return max(most, 1)
    size = 1
    while True:
        for step in (1, 2, 4, 5, 10):
            if step * size >= most:
                return step * size
        size *= 10


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
