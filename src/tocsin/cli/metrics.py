"""How does the hub fare in numbers, and each connector? `im metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.printing import Column
from tocsin.cli.wording import age, moment, plain, rfc3339, span_ms

if TYPE_CHECKING:
    from tocsin.client.figures import ConnectorMetrics, HourFigures, Metrics, RateLimit
    from tocsin.client.shapes import Connector


class _DefaultGroup(ExampleFirstGroup):
    """`im metrics` alone, or with options, is `im metrics overview`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb in that was left out."""
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h")):
            args = ["overview", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="metrics",
    help="Look at the hub in numbers: overview, connector.",
    cls=_DefaultGroup,
    epilog="im metrics\nim metrics overview --window 7d\nim metrics connector prod-pagerduty",
    rich_markup_mode=None,
    add_completion=False,
)

_BARS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 24


@app.callback()
def metrics() -> None:
    """Look at the hub in numbers: overview, connector."""


_Window = Annotated[
    str, typer.Option("--window", metavar="SPAN", help="Over how long, up to now: 5m to 90d.")
]


@command(
    app,
    "connector",
    example="im metrics connector prod-pagerduty\nim metrics connector prod-pagerduty --window 30d -o wide",
)
def connector(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connector.")],
    window: _Window = "24h",
) -> None:
    """Show one connector in numbers: incidents, success, time, calls, webhooks.

    Counted over all nodes and restarts; -o wide says more.
    """
    found = session.client.connector_metrics(name, window=window)
    if session.print.data(found.raw):
        return
    wide = session.print.format in ("wide", "tsv")
    session.print.fields([*_essence(found, window), *(_more(found, session) if wide else [])])
    if session.print.format == "table" and session.print.tty and len(found.hours) > 2:
        session.print.line(f"Calls by hour          {bars([hour.calls for hour in found.hours])}", "dim")
    if found.breaker == "open":
        session.print.say(f"Next: im connector status {found.connector}", "dim")


def _essence(found: ConnectorMetrics, window: str) -> list[tuple[str, object]]:
    """The lines of the connector document, in its words."""
    return [
        ("Connector:", found.connector),
        ("Total Incidents:", f"{found.total_incidents:,}"),
        ("Sync Success Rate:", _share(found.success_rate) or "nothing was sent"),
        ("Average Sync Time:", _took(found.average_ms) or "nothing was sent"),
        (f"API Calls ({window}):", f"{found.calls:,}"),
        (
            "Rate Limit Usage:",
            "no limit known" if found.rate_limit.used is None else f"{found.rate_limit.used * 100:.0f}%",
        ),
        (f"Webhook Events ({window}):", f"{found.webhook_events:,}"),
    ]


def _more(found: ConnectorMetrics, session: Session) -> list[tuple[str, object]]:
    at = (
        rfc3339
        if session.print.format == "tsv"
        else (lambda when: moment(when, utc=session.utc, seconds=True))
    )
    outcomes = ", ".join(f"{what} {n:,}" for what, n in sorted(found.calls_by_outcome.items()))
    results = ", ".join(f"{what} {n:,}" for what, n in sorted(found.webhooks_by_result.items()))
    per = found.calls_per_incident
    return [
        ("Type:", found.type),
        ("Incidents in Window:", f"{found.incidents:,}"),
        ("Attempts:", f"{found.attempts:,}, {found.taken:,} taken"),
        ("Sync Time p50, p99:", f"{_took(found.p50_ms) or '-'}, {_took(found.p99_ms) or '-'}"),
        ("Calls by Outcome:", outcomes),
        ("Calls per Incident:", "" if per is None else f"{per:.1f}"),
        ("Rate Limit:", _limit(found.rate_limit, at)),
        ("Webhooks Quarantined:", f"{found.webhooks_quarantined:,}"),
        ("Webhooks by Result:", results),
        ("Queue:", found.queue),
        ("Breaker:", found.breaker),
        ("Last Success:", at(found.last_success_at)),
        ("Last Webhook:", at(found.last_webhook_at)),
    ]


def _limit(limit: RateLimit, at: Any) -> str:
    if limit.limit is None:
        return ""
    if limit.by == "own":
        return f"{limit.limit:,} a minute that we keep to, {limit.remaining or 0:,} free now"
    ends = f", anew at {at(limit.resets_at)}" if limit.resets_at else ""
    return f"{limit.remaining or 0:,} of {limit.limit:,} left by its own answer{ends}"


def _share(rate: float | None) -> str:
    """99.4%; never 100 % while something failed."""
    if rate is None:
        return ""
    return "100%" if rate == 1 else f"{min(rate * 100, 99.9):.1f}%"


def _took(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.0f}ms" if ms < 1000 else f"{ms / 1000:.1f}s"


_COLUMNS = (
    Column("CONNECTOR"), Column("BREAKER", styled=True), Column("QUEUE", right=True), Column("SUCCESS", right=True),
    Column("AVERAGE", right=True), Column("LAST SUCCESS", right=True), Column("LAST ERROR", flex=True),
)  # fmt: skip


@command(app, "overview", example="im metrics\nim metrics overview --window 7d")
def overview(session: Session, window: _Window = "24h") -> None:
    """Show the whole hub in numbers: what waits, how pages fare, each connector."""
    found = session.client.metrics(window=window)
    if session.print.data(found.raw):
        return
    session.print.fields(_whole(found, window))
    if session.print.format != "tsv" and session.print.tty:
        for name, values in _lines(found.hours):
            session.print.line(f"{name:<22} {bars(values)}", "dim")
    session.print.line()
    session.print.rows(
        _COLUMNS,
        found.connectors,
        lambda one: _row(one, session),
        none="No connectors are configured: im apply -f",
    )


def _whole(found: Metrics, window: str) -> list[tuple[str, object]]:
    pages = found.pages
    reached = f"{pages.asked:,} asked, {pages.accepted:,} accepted, {pages.created:,} created, {pages.notified:,} notified, "
    reached += f"{pages.acknowledged:,} acknowledged, {pages.failed:,} failed"
    queue = sum(one.queue for one in found.connectors)
    return [
        (
            "Incidents",
            f"{found.incidents.get('open', 0):,} open, {found.incidents.get('mitigated', 0):,} acknowledged",
        ),
        ("Alerts", f"{found.alerts.get('live', 0):,} live, {found.alerts.get('undecided', 0):,} undecided"),
        ("Queue", f"{queue:,} outgoing, {found.pending_webhooks:,} webhooks"),
        (f"Pages ({window})", reached),
        ("Page latency", f"p50 {_took(pages.p50_ms) or '-'}, p99 {_took(pages.p99_ms) or '-'}"),
    ]


def _lines(hours: Sequence[HourFigures]) -> list[tuple[str, list[int]]]:
    if len(hours) < 3:
        return []
    return [
        ("Attempts by hour", [hour.attempts for hour in hours]),
        ("Calls by hour", [hour.calls for hour in hours]),
    ]


def _row(one: Connector, session: Session) -> list[object]:
    exact = session.print.format == "tsv"
    last = (
        rfc3339(one.last_success_at)
        if exact
        else f"{age(one.last_success_at, session.clock())} ago"
        if one.last_success_at
        else "never"
    )
    average = "" if one.average_ms is None else span_ms(one.average_ms)
    return [
        one.name,
        one.breaker.state if one.breaker else "",
        one.queue,
        _share(one.success_rate),
        average,
        last,
        plain(one.last_error),
    ]


def bars(values: Sequence[int]) -> str:
    """The newest of them as bars, and the highest as a number."""
    shown = list(values)[-_MOST_BARS:]
    most = max(shown, default=0)
    if not most:
        return ""
    return (
        "".join(
            _BARS[min(value * len(_BARS) // (most + 1), len(_BARS) - 1)] if value else " " for value in shown
        )
        + f"  up to {most:,}"
    )
