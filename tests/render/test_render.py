"""Is a report drawn, set and written rightly, whatever it holds: nothing, one, a thousand, and texts that would do harm?"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from tocsin.core.policy import Policy
from tocsin.core.report import Incident, Report, Side, Step, report_of
from tocsin.core.severity import Severity
from tocsin.render import charts, html, table, told, typeset, words

START, END = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
EVIL = '</script><script>alert(1)</script> #include "x" $a_b$ \\ {{x}} "\x00\x1b[31m'


def incident(number: int, **more: Any) -> Incident:
    at = START + timedelta(minutes=number * 37 % 44_000)
    given = {
        "name": f"INC-{number}", "title": f"Checkout {number} is slow", "severity": list(Severity)[number % 4], "opened_at": at,
        "status": "resolved", "team": "payments", "services": ("web",), "acknowledged_at": at + timedelta(minutes=number % 40),
        "acknowledged_by": "Ada", "resolved_at": at + timedelta(minutes=30 + number), "ack_kept": number % 9 > 0,
        "resolve_kept": True, "alerts": 1, "sides": (Side(connector="pd", remote_id=f"Q{number}", accepted_at=at),),
        "steps": (Step(at=at, text="Page sent to pd", actor="tocsin"),) if number < 40 else (),
    }  # fmt: skip
    return Incident(**(given | more))


def report(*incidents: Incident, **more: Any) -> Report:
    given = {
        "policy": Policy(),
        "start": START,
        "end": END,
        "timezone": "Europe/Berlin",
        "made_at": END,
    } | more
    return report_of(incidents, **given)


MANY = report(*(incident(n) for n in range(120)), notes=["The log of og could not be read: it is away"])
SHAPES = {
    "none": report(),
    "one": report(incident(1)),
    "many": MANY,
    "harmful": report(incident(1, title=EVIL, team=EVIL, services=(EVIL,), acknowledged_by=EVIL), notes=[EVIL]),
    "right to left": report(incident(1, title="תשלומים אינם זמינים באזור EU")),
    "long": report(incident(1, title="x" * 900, services=("s" * 300,))),
    "still open": report(incident(1, status="open", acknowledged_at=None, resolved_at=None, ack_kept=None, sides=())),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_each_becomes_a_document(shape: str) -> None:
    made = typeset.pdf_of(SHAPES[shape])
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("shape", SHAPES)
def test_each_becomes_a_page_that_needs_nothing_else(shape: str) -> None:
    """No script runs, nothing is fetched, and what somebody wrote is text."""
    page = html.page(SHAPES[shape]).decode()
    assert "<script" not in page
    assert not re.search(r"(?:src|href|url\()\s*=?\s*[\"']?https?:", page)
    assert "default-src 'none'" in page
    assert "\x00" not in page
    assert "\x1b" not in page
    assert "Europe/Berlin" in page


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ink", [charts.PAPER, charts.SCREEN], ids=["paper", "screen"])
def test_each_picture_is_well_formed_and_inside_its_frame(shape: str, ink: charts.Ink) -> None:
    for name, text in charts.every(SHAPES[shape], ink).items():
        root = ElementTree.fromstring(text)
        _, _, wide, tall = map(float, root.attrib["viewBox"].split())
        for box in root.iter("{http://www.w3.org/2000/svg}rect"):
            x, y, w, h = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
            assert x >= 0, name
            assert y >= -0.1, name
            assert x + w <= wide + 0.1, name
            assert y + h <= tall + 0.1, name


def test_no_picture_is_drawn_of_nothing() -> None:
    assert charts.every(SHAPES["none"], charts.PAPER) == {}
    assert "hours" not in charts.every(SHAPES["still open"], charts.PAPER)


def test_an_empty_month_says_so() -> None:
    sections = list(told.sections(SHAPES["none"]))
    assert [(one.title, one.text) for one in sections] == [
        ("Incidents", "No incident was opened in this time.")
    ]
    figures = dict(told.figures(SHAPES["none"]))
    assert (figures["incidents"], figures["mean time to acknowledge"]) == ("0", "–")
    assert figures["acknowledged as promised"] == "–", "nothing was promised: neither 0 % nor 100 %"


def test_one_is_told_as_one() -> None:
    text = " ".join(one.text for one in told.sections(SHAPES["one"]))
    assert "1 incident: " in text
    assert "1 alert, repeated 0 times" in text


def test_the_rows_are_read_back() -> None:
    rows = list(csv.reader(io.StringIO(table.csv_of(MANY).decode("utf-8-sig"))))
    assert len(rows) == 121
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["incident"], first["providers"], first["opened_at"]) == (
        "INC-0",
        "pd Q0",
        "2026-08-01T00:00:00Z",
    )


@pytest.mark.parametrize("title", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_is_given_no_formula(title: str) -> None:
    rows = list(csv.reader(io.StringIO(table.csv_of(report(incident(1, title=title))).decode("utf-8-sig"))))
    assert rows[1][1] == f"'{title}"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (0, "0 s"), (59.4, "59 s"), (90, "1 min 30 s"), (600, "10 min"), (3600, "1 h"), (7500, "2 h 5 min"), (172_800, "2 d"), (187_200, "2 d 4 h")],
)  # fmt: skip
def test_spans_are_told_in_two_units_at_most(seconds: float | None, shown: str) -> None:
    assert words.span(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (1, "100 %"), (0, "0 %"), (0.9999, "99.9 %"), (0.0001, "0.1 %")]
)
def test_only_all_is_a_hundred_per_cent(value: float | None, shown: str) -> None:
    assert words.share(value) == shown
