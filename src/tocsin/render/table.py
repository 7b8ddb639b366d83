"""Each incident of a report as a row for a spreadsheet (RFC 4180)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from tocsin.core.report import Incident, Report

COLUMNS = (
    "incident", "title", "severity", "status", "team", "services", "opened_at", "acknowledged_at", "acknowledged_by",
    "resolved_at", "resolved_by", "seconds_to_acknowledge", "seconds_to_resolve", "sla_acknowledge", "sla_resolve", "alerts",
    "repeats", "pages", "night_pages", "out_of_hours", "escalations", "reopens", "providers", "acknowledged_there_at",
    "resolved_there_at",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(report: Report) -> bytes:
    """UTF-8 with a mark, so that a spreadsheet reads it rightly; times in UTC. A text that a spreadsheet would take for
    a formula has an apostrophe before it."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_safe(value) for value in _row(one)] for one in report.incidents)
    return held.getvalue().encode("utf-8-sig")


def _row(one: Incident) -> list[object]:
    sides = "; ".join(f"{side.connector} {side.remote_id}".strip() for side in one.sides)
    acked = min((s.there_acknowledged_at for s in one.sides if s.there_acknowledged_at), default=None)
    resolved = min((s.there_resolved_at for s in one.sides if s.there_resolved_at), default=None)
    return [
        one.name, one.title, one.severity.value, one.status, one.team, ", ".join(one.services), _at(one.opened_at),
        _at(one.acknowledged_at), one.acknowledged_by, _at(one.resolved_at), one.resolved_by, _figure(one.seconds_to_acknowledge),
        _figure(one.seconds_to_resolve), _word(one.ack_kept), _word(one.resolve_kept), one.alerts, one.repeats, one.pages,
        one.night_pages, "yes" if one.out_of_hours else "no", one.escalations, one.reopens, sides, _at(acked), _at(resolved),
    ]  # fmt: skip


def _at(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _word(kept: bool | None) -> str:
    return {True: "kept", False: "missed", None: ""}[kept]


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
