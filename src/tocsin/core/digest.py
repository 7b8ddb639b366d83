"""What stands in a digest, and when does it leave? (S23, RO-5)

Periods are whole multiples of the rule's `every`, counted from a Monday at 00:00 UTC: an hourly digest leaves on the
hour, whoever started the hub when. A period in which nothing was collected has no digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tocsin.core.severity import Severity

MOST_LISTED = 100
"""Alerts that a digest names one by one; its table counts them all."""
_A_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_HEADINGS = ("SERVICE", "SEVERITY", "ALERTS", "TIMES", "FIRST", "LAST", "WOULD HAVE PAGED")


@dataclass(frozen=True, slots=True)
class Collected:
    """Where an alert is collected: the digest's name (its rule's), the connectors it goes to, when it leaves, and
    whom the alert would have paged. `review` = its rule suppressed it, and is looked at again then."""

    name: str
    to: tuple[str, ...]
    due: datetime
    would_page: tuple[str, ...] = ()
    review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One alert of a period as it is when the digest is written. `times` counts what was heard of it in the period,
    the first included; `would_page` names whom it would have paged; `incident` is that it was promoted to."""

    title: str
    service: str
    severity: Severity
    times: int
    first_at: datetime
    last_at: datetime
    would_page: tuple[str, ...] = ()
    resolved: bool = False
    incident: str = ""


def period_end(now: datetime, every: timedelta) -> datetime:
    """The end of the period that the aware instant `now` lies in; always after it."""
    return now + every - (now - _A_MONDAY) % every


def worst_of(entries: Iterable[Entry]) -> Severity:
    """The worst severity in it; low when it is empty."""
    return worst_of_all(entry.severity for entry in entries)


def worst_of_all(severities: Iterable[Severity]) -> Severity:
    """The worst of these; low when there are none."""
    return max(severities, key=lambda s: s.rank, default=Severity.LOW)


def subject_of(name: str, entries: Sequence[Entry], *, review: bool = False) -> str:
    """ "Digest “the quiet ones”: 12 alerts of 3 services, the worst high"."""
    services = len({entry.service for entry in entries if entry.service})
    of = f" of {_count(services, 'service')}" if services else ""
    what = "Review of" if review else "Digest"
    return f"{what} “{name}”: {_count(len(entries), 'alert')}{of}, the worst {worst_of(entries).value}"


def text_of(
    name: str, entries: Sequence[Entry], begins: datetime, ends: datetime, *, review: bool = False
) -> str:
    """The whole digest as plain text: a table by service and severity, then the alerts, the worst first."""
    ordered = sorted(entries, key=lambda e: (-e.severity.rank, e.service, e.first_at, e.title))
    long = ends - begins > timedelta(hours=20)
    rows = [_row(group, long) for group in _groups(ordered)]
    heard = sum(entry.times for entry in entries)
    head = (
        f"{_count(len(entries), 'alert')}, heard {_count(heard, 'time')},"
        f" from {_at(begins, long=True)} to {_at(ends, long=True)} UTC. Nobody was paged for what stands here,"
        " but where an incident is named."
    )
    if review:
        head += (
            f" The rule “{name}” suppressed it: is that still right? Where it is not, narrow its `when`, give it a"
            " `digest` or a `promote`, or take it out of `routing`; where it is, nothing need be done."
        )
    listed = [_line(entry, long) for entry in ordered[:MOST_LISTED]]
    if more := len(ordered) - MOST_LISTED:
        listed += [f"  and {more} more"] if more > 0 else []
    return (
        "\n".join([head, "", *_table([_HEADINGS, *rows]), "", "The alerts, the worst first:", *listed]) + "\n"
    )


def _groups(ordered: Sequence[Entry]) -> list[list[Entry]]:
    groups: dict[tuple[int, str], list[Entry]] = {}
    for entry in ordered:
        groups.setdefault((entry.severity.rank, entry.service), []).append(entry)
    return list(groups.values())


def _row(group: Sequence[Entry], long: bool) -> tuple[str, ...]:
    targets = dict.fromkeys(name for entry in group for name in entry.would_page)
    return (
        group[0].service or "(none)",
        group[0].severity.value,
        str(len(group)),
        str(sum(entry.times for entry in group)),
        _at(min(entry.first_at for entry in group), long),
        _at(max(entry.last_at for entry in group), long),
        ", ".join(targets) or "nobody",
    )


def _line(entry: Entry, long: bool) -> str:
    times = f"{entry.times} times" if entry.times != 1 else ""
    notes = ", ".join(
        note
        for note in (
            times,
            "resolved" if entry.resolved else "",
            f"now {entry.incident}" if entry.incident else "",
        )
        if note
    )
    service = f"{entry.service}: " if entry.service else ""
    return f"  {_at(entry.last_at, long)}  {entry.severity.value:<8}  {service}{entry.title}{f' ({notes})' if notes else ''}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _at(at: datetime, long: bool) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if long else f"{at.astimezone(UTC):%H:%M:%S}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
