"""What does a report say, in which order, with which words? The same on paper and on a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.core.report import Group, Incident, Report
from tocsin.render.words import NOTHING, counted, day, moment, number, severity, share, span

MOST_LISTED = 2000
"""Incidents in the list on paper and page; the table for spreadsheets has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, a sentence, a picture by its name and a table; `right` = columns of figures; `wide` = shares of the width."""

    title: str
    text: str = ""
    chart: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    right: frozenset[int] = field(default_factory=frozenset)
    wide: tuple[float, ...] = ()


def title(report: Report) -> str:
    """For the document's own name."""
    return f"Incident report, {period(report)}"


def period(report: Report) -> str:
    """ "1 August 2026 to 31 August 2026"; the last day is that in which it ends."""
    first = day(report.start, report.timezone)
    last = day(report.end - timedelta(microseconds=1), report.timezone)
    return first if first == last else f"{first} to {last}"


def made(report: Report) -> str:
    """By whose clock, and when it was made."""
    return (
        f"All times in {report.timezone}. Made {moment(report.made_at, report.timezone)}. "
        "Counted are the incidents opened in this time."
    )


def figures(report: Report) -> list[tuple[str, str]]:
    """(what, figure) of the summary."""
    promises = {one.clock: one for one in report.sla if one.key == "all"}
    ack, resolve = report.acknowledge, report.resolve
    return [
        ("incidents", number(report.total)),
        ("still open", number(report.still_open)),
        ("mean time to acknowledge", span(ack.mean if ack else None)),
        ("mean time to resolve", span(resolve.mean if resolve else None)),
        ("acknowledged as promised", share(promises["ack"].share if "ack" in promises else None)),
        ("resolved as promised", share(promises["resolve"].share if "resolve" in promises else None)),
        ("pages", number(report.pages)),
        ("pages at night (22 to 6)", number(report.night_pages)),
        ("opened out of hours", number(report.out_of_hours)),
        ("escalated", number(report.escalated)),
        ("reopened", number(report.reopened)),
        ("alerts behind them", number(report.alerts + report.repeats)),
    ]


def sections(report: Report) -> Iterator[Section]:
    """Everything but the summary and the timelines. A part that nothing stands behind says so."""
    if not report.total:
        yield Section(title="Incidents", text="No incident was opened in this time.")
        return
    yield Section(title="Incidents a day", chart="days", text=_by_severity(report))
    yield _acknowledging(report)
    yield _resolving(report)
    yield _promises(report)
    yield _on_call(report)
    yield Section(
        title="When people were paged", chart="hours",
        text=f"{counted(report.pages, 'page')} by weekday and hour, {number(report.night_pages)} between 22 and 6 by the clock of the"
        " team that was paged." if report.pages else "Nobody was paged in this time.",
    )  # fmt: skip
    yield _groups("Noisiest services", [one for one in report.services if one.key], "service", "services")
    yield _groups("Teams", [one for one in report.teams if one.key], "team", "")
    yield _both_sides(report)
    yield _list(report)


def _by_severity(report: Report) -> str:
    counts = [f"{number(one.incidents)} {one.key}" for one in report.severities]
    behind = f"{counted(report.alerts, 'alert')}, repeated {counted(report.repeats, 'time')}"
    return f"{counted(report.total, 'incident')}: {', '.join(counts)}. Behind it all {behind}."


def _acknowledging(report: Report) -> Section:
    taken = report.acknowledge
    text = ""
    if taken and taken.done:
        text = (
            f"{number(taken.done)} of {number(taken.of)} acknowledged: half within {span(taken.median)}, nine of ten within"
            f" {span(taken.p90)}, on average after {span(taken.mean)}."
        )
    elif taken:
        text = "None was acknowledged."
    return Section(title="Time to acknowledge", chart="acknowledge", text=text)


def _resolving(report: Report) -> Section:
    taken = report.resolve
    text = ""
    if taken and taken.done:
        text = (
            f"{number(taken.done)} of {number(taken.of)} resolved: half within {span(taken.median)}, nine of ten within"
            f" {span(taken.p90)}, on average after {span(taken.mean)}."
        )
    elif taken:
        text = "None is resolved."
    return Section(title="Time to resolve", chart="resolve", text=text)


def _promises(report: Report) -> Section:
    if not report.sla:
        text = "Nothing was promised about these incidents, or nothing is due yet."
        return Section(title="Promises kept (SLA)", text=text)
    missed = sum(one.missed for one in report.sla if one.key == "all")
    return Section(
        title="Promises kept (SLA)", chart="sla",
        text=f"{number(missed)} {'promise was' if missed == 1 else 'promises were'} missed. What is not due yet is not counted.",
    )  # fmt: skip


def _on_call(report: Report) -> Section:
    rows = tuple(
        (
            one.name,
            number(one.acknowledged),
            number(one.at_night),
            number(one.out_of_hours),
            span(one.mean_to_acknowledge),
            number(one.resolved),
        )
        for one in report.people
    )
    head = ("who", "acknowledged", "of them at night", "out of hours", "mean time to acknowledge", "resolved")
    text = (
        f"Of {counted(report.total, 'incident')} {number(report.escalated)} went on to a further step of the escalation, and"
        f" {number(report.out_of_hours)} began out of the business hours of the team."
    )
    if not rows:
        text += " Nobody acknowledged one."
    return Section(
        title="On call", text=text, head=head if rows else (), rows=rows, right=frozenset({1, 2, 3, 4, 5}), wide=(3, 1.6, 1.6, 1.6, 2.2, 1.4)
    )  # fmt: skip


def _groups(name: str, groups: Sequence[Group], what: str, chart: str) -> Section:
    head = (what, "incidents", "alerts", "pages", "at night", "to acknowledge", "to resolve")
    rows = tuple(
        (
            one.key,
            number(one.incidents),
            number(one.alerts),
            number(one.pages),
            number(one.night_pages),
            span(one.mean_to_acknowledge),
            span(one.mean_to_resolve),
        )
        for one in groups[:25]
    )
    left = len(groups) - len(rows)
    text = f"and {left} more with fewer" if left else "" if rows else f"No incident has a {what}."
    return Section(
        title=name, chart=chart, text=text, head=head if rows else (), rows=rows, right=frozenset(range(1, 7)), wide=(3.4, 1.4, 1.3, 1.2, 1.2, 1.7, 1.6)
    )  # fmt: skip


def _both_sides(report: Report) -> Section:
    head = (
        "connector",
        "pages",
        "rang",
        "until it rang",
        "acknowledged: there",
        "here",
        "resolved: there",
        "its own log",
    )
    rows = tuple(
        (
            one.connector,
            number(one.pages),
            number(one.notified),
            span(one.mean_to_notify),
            span(one.mean_to_acknowledge_there),
            span(one.mean_to_acknowledge_here),
            span(one.mean_to_resolve_there),
            one.log or "not asked for",
        )
        for one in report.providers
    )
    text = (
        "Mean times since the opening here. “There” is what the provider's own log says, where it was read; “here” is what the"
        " hub recorded of the same incidents."
        if rows
        else "No incident lived at a provider."
    )
    return Section(
        title="Both sides", text=text, head=head if rows else (), rows=rows, right=frozenset(range(1, 7)), wide=(2.6, 1, 1, 1.5, 1.7, 1.4, 1.7, 2.4)
    )  # fmt: skip


def _list(report: Report) -> Section:
    head = ("incident", "opened", "severity", "title", "services", "to acknowledge", "to resolve", "SLA")
    shown = report.incidents[:MOST_LISTED]
    rows = tuple(
        (
            one.name,
            moment(one.opened_at, report.timezone),
            severity(one.severity.value),
            cut(one.title, 90),
            ", ".join(one.services),
            span(one.seconds_to_acknowledge),
            span(one.seconds_to_resolve) if one.resolved_at else one.status,
            _kept(one),
        )
        for one in shown
    )
    left = len(report.incidents) - len(shown)
    text = f"The first {number(MOST_LISTED)}; {number(left)} more stand in the CSV." if left else ""
    return Section(
        title="All incidents", text=text, head=head, rows=rows, right=frozenset({5, 6}), wide=(1.4, 2.2, 2, 4.4, 2.3, 1.9, 1.5, 1)
    )  # fmt: skip


def cut(text: str, most: int) -> str:
    """The whole text, or its beginning with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _kept(one: Incident) -> str:
    if False in (one.ack_kept, one.resolve_kept):
        return "missed"
    return "kept" if True in (one.ack_kept, one.resolve_kept) else NOTHING


def about_timelines(report: Report) -> str:
    """Which incidents have their steps told."""
    chosen = sum(bool(one.steps) for one in report.incidents)
    if chosen == report.total:
        return "What happened to each, step by step."
    return (
        f"The {number(chosen)} that were worst: by severity, by promises missed, by how long they took."
        " Those of the others: im timeline INC-7."
    )


def sides(one: Incident) -> str:
    """Where it lived, with the ids there and both sides' times."""
    told = []
    for side in one.sides:
        times = []
        if side.there_acknowledged_at:
            by = f" by {side.there_acknowledged_by}" if side.there_acknowledged_by else ""
            times.append(f"acknowledged{by} {_after(one, side.there_acknowledged_at)}")
        if side.there_resolved_at:
            times.append(f"resolved {_after(one, side.there_resolved_at)}")
        said = f" ({', '.join(times)})" if times else ""
        told.append(f"{side.connector}: {side.remote_id or 'no id yet'}{said}")
    return "; ".join(dict.fromkeys(told))


def _after(one: Incident, at: datetime) -> str:
    return f"after {span(max((at - one.opened_at).total_seconds(), 0))}"
