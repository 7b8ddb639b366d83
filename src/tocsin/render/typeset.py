"""A report on paper: PDF by typst (https://pypi.org/project/typst/, Apache-2.0), whose layout is `report.typ` beside this.

It asks no network and reads no package; letters that its own fonts lack come from the machine's. It takes about a second
for a thousand incidents and gives up the interpreter meanwhile: call it in a thread.
"""

from __future__ import annotations

import json
from pathlib import Path

from tocsin.core.report import Incident, Report
from tocsin.render import charts, told, words

_LAYOUT = Path(__file__).with_name("report.typ")
_ALTS = {
    "days": "Incidents a day, by severity",
    "acknowledge": "How many incidents were acknowledged within which time",
    "resolve": "How many incidents were resolved within which time",
    "sla": "Promises kept and missed, by severity",
    "hours": "Pages by weekday and hour",
    "services": "Incidents of each service",
}
_TAGGED = 300
"""Incidents up to which the document has its structure for screen readers; in a longer one that would be most of it."""


def pdf_of(report: Report) -> bytes:
    """The document."""
    import typst  # eighty megabytes, which a hub that makes no report never loads

    sections = [
        {
            "title": one.title,
            "text": _plain(one.text),
            "chart": one.chart,
            "head": one.head,
            "rows": [[_plain(cell) for cell in row] for row in one.rows],
            "right": sorted(one.right),
            "wide": one.wide or [1] * len(one.head),
        }
        for one in told.sections(report)
    ]
    content = {
        "title": told.title(report), "author": "Tocsin", "period": told.period(report), "made": told.made(report),
        "figures": told.figures(report), "notes": [_plain(note) for note in report.notes], "sections": sections, "empty": not report.total,
        "charts": charts.every(report, charts.PAPER), "alts": _ALTS, "about": told.about_timelines(report),
        "timelines": [_timeline(one, report) for one in report.incidents if one.steps],
    }  # fmt: skip
    made: bytes = typst.compile(
        _LAYOUT.read_bytes(), format="pdf", sys_inputs={"report": json.dumps(content)}, pdf_tags=report.total <= _TAGGED
    )  # fmt: skip
    return made


def _timeline(one: Incident, report: Report) -> dict[str, object]:
    return {
        "name": _plain(f"{one.name}  {one.title}"),
        "sides": _plain(told.sides(one)),
        "steps": [[words.clock(step.at, report.timezone), _plain(step.text)] for step in one.steps],
        "more": f"and {one.steps_left_out} more steps" if one.steps_left_out else "",
    }


def _plain(text: str) -> str:
    """Without what no font draws; a word as long as a line may break anywhere."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(
        "\u200b".join(word[n : n + 24] for n in range(0, len(word), 24)) if len(word) > 40 else word
        for word in clean.split(" ")
    )
