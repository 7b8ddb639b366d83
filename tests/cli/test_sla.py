"""`im sla` and `im report`: what is asked, what is shown, where it goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

API = "/api/v1/sla"
CLOCKS = [
    {"clock": "ack", "state": "missed", "promised_seconds": 900, "hours": "always", "by": "defaults.sla", "due_at": "2026-11-20T02:15:00Z",
     "warn_at": "2026-11-20T02:12:00Z", "met_at": None, "breached_at": "2026-11-20T02:15:00Z", "left_seconds": -300},
    {"clock": "resolve", "state": "warned", "promised_seconds": 3600, "hours": "always", "by": "defaults.sla", "due_at": "2026-11-20T02:31:00Z",
     "warn_at": "2026-11-20T02:19:00Z", "met_at": None, "breached_at": None, "left_seconds": 660},
]  # fmt: skip
INCIDENT = {
    "incident": "INC-7", "title": "Checkout is down", "severity": "critical", "status": "open", "team": "payments",
    "services": ["payment-service"], "holder": "", "opened_at": "2026-11-20T02:00:00Z", "clocks": CLOCKS,
}  # fmt: skip
TARGETS = {
    "items": [
        {"service": "", "severity": "critical", "clock": "ack", "promised_seconds": 900, "hours": "always", "team": "", "by": "defaults.sla"},
        {"service": "", "severity": "critical", "clock": "resolve", "promised_seconds": 3600, "hours": "always", "team": "", "by": "defaults.sla"},
        {"service": "api", "severity": "low", "clock": "ack", "promised_seconds": 28800, "hours": "business", "team": "payments", "by": "services.api.sla"},
    ],
    "warn_at": 0.8,
    "disagreements": ["connectors.pd.sla_mapping.SEV-1.ack is 10m, but defaults.sla says 15m: defaults.sla holds here"],
}  # fmt: skip
FIGURES = {
    "start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z", "by": "severity",
    "items": [{"key": "critical", "clock": "ack", "kept": 9, "missed": 1, "running": 2, "share": 0.9}],
}  # fmt: skip


@pytest.fixture
def im(run: Any, hub: Any) -> Any:
    hub.answer("GET", API, {"at": "2026-11-20T02:20:00Z", "items": [INCIDENT]})
    hub.answer("GET", f"{API}/breaches", {"at": "2026-11-20T02:20:00Z", "items": [INCIDENT]})
    hub.answer("GET", f"{API}/targets", TARGETS)
    hub.answer("GET", f"{API}/compliance", FIGURES)
    return lambda *words, **more: run(
        *words, **({"IM_URL": hub.url, "IM_TOKEN": "tsn_test", "TZ": "UTC"} | more)
    )


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_what_ends_soon_and_what_was_missed(im: Any, hub: Any) -> None:
    _, row = rows(im("sla", "status", "--sev", "SEV-1", "--service", "payment-service").out)
    assert row[:4] == ["INC-7", "critical", "missed 5 min ago", "ends in 11 min"]
    assert hub.of("GET", API)[0].query == {
        "service": "payment-service",
        "severity": "critical",
        "limit": "100",
    }
    im("sla", "breaches", "--start", "2026-11-01", "--utc")
    assert hub.of("GET", f"{API}/breaches")[0].query["start"] == "2026-11-01T00:00:00Z"


def test_what_is_promised_and_whose_word_it_is(im: Any) -> None:
    ran = im("sla", "target")
    assert rows(ran.out)[1:] == [
        ["(none)", "critical", "15 min", "1 h", "always", "defaults.sla"],
        ["api", "low", "8 h", "", "business (payments)", "services.api.sla"],
    ]
    assert "warned after 80% of the time" in ran.err
    assert "Warning: connectors.pd.sla_mapping.SEV-1.ack is 10m" in ran.err


def test_how_much_was_kept(im: Any, hub: Any) -> None:
    assert rows(im("sla", "compliance", "--by", "team").out)[1] == ["critical", "ack", "9", "1", "2", "90.0%"]
    assert hub.of("GET", f"{API}/compliance")[0].query == {"by": "team"}
    assert im("sla", "compliance", "--by", "moon").code == 2
    assert json.loads(im("sla", "compliance", "-o", "json").out) == FIGURES


def test_an_incident_shows_its_clocks(im: Any) -> None:
    said = im("show", "INC-7", tty=True, NO_COLOR="1", COLUMNS="160").out
    assert "acknowledge missed 5 min ago (of 15 min), resolve ends in 11 min (of 1 h)" in said


# ---- the report ------------------------------------------------------------------------------------------

NAME = {"Content-Disposition": 'attachment; filename="incidents-2026-11-01-to-2026-11-30.pdf"', "Content-Type": "application/pdf"}  # fmt: skip


@pytest.fixture
def there(hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    hub.answer("GET", "/api/v1/reports.pdf", b"%PDF-1.7", headers=NAME)
    hub.answer("GET", "/api/v1/reports.csv", b"incident\r\nINC-1\r\n", headers={"Content-Type": "text/csv"})
    hub.answer("GET", "/api/v1/reports", {"total": 1})
    return tmp_path


def test_the_documents_own_command(im: Any, hub: Any, there: Path) -> None:
    """`im report --start … --end … --include-pagerduty --format pdf` makes a file of a telling name."""
    ran = im(
        "report", "--start", "2026-11-01", "--end", "2026-11-30", "--include-pagerduty", "--format", "pdf"
    )
    assert (ran.code, ran.out) == (0, "incidents-2026-11-01-to-2026-11-30.pdf (0 KiB, times in UTC)\n")
    assert (there / "incidents-2026-11-01-to-2026-11-30.pdf").read_bytes() == b"%PDF-1.7"
    assert hub.of("GET", "/api/v1/reports.pdf")[0].query == {
        "start": "2026-11-01", "end": "2026-11-30", "include_providers": "true", "timezone": "UTC",
    }  # fmt: skip


def test_rows_and_figures_go_to_stdout_and_anything_to_a_file(im: Any, hub: Any, there: Path) -> None:
    assert im("report", "--format", "csv").out == "incident\r\nINC-1\r\n"
    assert json.loads(im("report", "--format", "json").out) == {"total": 1}
    assert im("report", "--format", "pdf", "-O", "-").out == "%PDF-1.7"
    assert im("report", "-O", "here.pdf").code == 0
    assert (there / "here.pdf").exists()
    assert im("report", "-O", "no/such/folder.pdf").code == 1
    assert im("report", "--format", "docx").code == 2
    assert im("report", "--timezone", "Asia/Kolkata", "--format", "csv").code == 0
    assert hub.of("GET", "/api/v1/reports.csv")[-1].query["timezone"] == "Asia/Kolkata"


def test_a_name_from_elsewhere_leads_nowhere_else(im: Any, hub: Any, there: Path) -> None:
    evil = {"Content-Disposition": 'attachment; filename="../../evil.pdf"', "Content-Type": "application/pdf"}
    hub.answer("GET", "/api/v1/reports.pdf", b"%PDF", headers=evil)
    im("report")
    assert (there / "evil.pdf").exists()


@pytest.mark.parametrize(
    ("zone", "named"), [("Europe/Berlin", "Europe/Berlin"), (":America/New_York", "America/New_York"), ("UTC", "UTC"), ("CET-1CEST", "UTC"), ("/etc/zone", "UTC")]
)  # fmt: skip
def test_the_zone_of_this_machine(zone: str, named: str) -> None:
    from tocsin.cli.report import own_zone

    assert own_zone({"TZ": zone}) == named
