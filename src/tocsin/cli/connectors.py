"""Which connectors are there, and how does each fare?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli import (
    connector_checks,
    connector_discover,
    connector_health,
    connector_mappings,
    connector_settings,
    connector_webhook,
)
from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.printing import Column
from tocsin.cli.wording import age, moment, rfc3339, span_ms

if TYPE_CHECKING:
    from datetime import datetime

    from tocsin.client.shapes import Connector
    from tocsin.client.sides import Divergence, SyncFinding

app = typer.Typer(
    name="connector",
    help="Connectors: add, test, list, status, config, map, pause, sync …",
    cls=ExampleFirstGroup,
    epilog="im connector list\nim connector status prod-pagerduty\nim connector test prod-pagerduty\nim connector sync prod-pagerduty --incident INC-7\nim connector diff",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)


@app.callback()
def connector() -> None:
    """Connectors: add, test, list, status, config, map, pause, sync …"""


_COLUMNS = (
    Column("NAME"),
    Column("TYPE"),
    Column("STATUS", styled=True),
    Column("DIRECTION"),
    Column("LAST SYNC", right=True),
    Column("BREAKER", styled=True, wide=True),
    Column("QUEUE", right=True, wide=True),
    Column("SUCCESS", right=True, wide=True),
    Column("AVERAGE", right=True, wide=True),
    Column("LAST SUCCESS", right=True, wide=True),
    Column("SYNC", wide=True),
    Column("LAST ERROR", flex=True),
)


@command(app, "list", example="im connector list")
def list_connectors(session: Session) -> None:
    """List the connectors and how each fares."""
    page = session.client.connectors()
    if not session.print.data(page.raw):
        session.print.rows(
            _COLUMNS,
            page.items,
            lambda one: _row(one, session),
            none="No connectors are configured: im connector add TYPE NAME, or im apply -f hub.yaml",
        )


def _row(one: Connector, session: Session) -> list[object]:
    exact = session.print.format == "tsv"

    def at(when: datetime | None) -> str:
        return rfc3339(when) if exact else f"{age(when, session.clock())} ago" if when else "never"

    return [
        one.name,
        one.type,
        state_of(one),
        one.direction,
        at(last_sync(one)),
        one.breaker.state if one.breaker else "",
        one.queue,
        _percent(one),
        "" if one.average_ms is None else span_ms(one.average_ms),
        at(one.last_success_at),
        one.sync,
        one.last_error if state_of(one) != "active" or exact or session.print.format == "wide" else "",
    ]


_STATES = {"open": "failing", "half_open": "probing"}


def state_of(one: Connector) -> str:
    """active, paused, failing (its breaker is open) or probing."""
    if not one.enabled:
        return "paused"
    return _STATES.get(one.breaker.state if one.breaker else "", "active")


def last_sync(one: Connector) -> datetime | None:
    """When something last went there or came from there."""
    return max((at for at in (one.last_success_at, one.last_webhook_at) if at), default=None)


def _percent(one: Connector) -> str:
    return "" if one.success_rate is None else f"{one.success_rate * 100:.1f} %"


@command(app, "status", example="im connector status prod-pagerduty")
def status(
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The connector; without it all are listed.")
    ] = "",
) -> None:
    """Show how one connector fares: status, what was synchronised, breaker, queue, last error."""
    if not name:
        list_connectors(session)
        return
    one = session.client.connector(name)
    if session.print.data(one.raw):
        return
    at = (
        rfc3339
        if session.print.format == "tsv"
        else (lambda when: moment(when, utc=session.utc, seconds=True))
    )
    breaker = one.breaker
    session.print.fields(
        [
            ("Connector", f"{one.name} ({one.type})"),
            ("Status", state_of(one).capitalize()),
            ("Direction", one.direction.capitalize()),
            ("Last Sync", at(last_sync(one))),
            ("Incidents Synced", f"{one.incidents_synced} (last 24h)"),
            ("Sync Errors", one.sync_errors),
            ("Webhook", "Enabled" if one.webhook_enabled else "Disabled"),
            ("Breaker", breaker.state if breaker else ""),
            ("Failures", breaker.failures if breaker and breaker.failures else ""),
            ("Open since", at(breaker.opened_at) if breaker and breaker.opened_at else ""),
            ("Next probe", at(breaker.next_probe_at) if breaker and breaker.next_probe_at else ""),
            ("Queue", one.queue),
            ("Success rate", _percent(one)),
            ("Average", "" if one.average_ms is None else span_ms(one.average_ms)),
            ("Last success", at(one.last_success_at)),
            ("Last failure", at(one.last_failure_at)),
            ("Last error", one.last_error),
            ("Synchronised by", one.sync),
            ("Last webhook", at(one.last_webhook_at)),
            ("Webhooks unproven", at(one.unproven_since) if one.unproven_since else ""),
            ("Webhooks forgotten", one.raw.get("quarantine_dropped") or ""),
            ("Differences", one.divergences or ""),
            ("Last canary", _canary(session, one.name)),
        ]
    )
    if not one.enabled:
        session.print.say("It is paused: pages go elsewhere, and what it is to be told waits.")
        session.print.say(f"Next: im connector resume {one.name}", "dim")
    if breaker and breaker.state == "open":
        session.print.say("Calls are held back and kept; they go out when a probe succeeds.")
        session.print.say("Next: im doctor", "dim")
    if one.divergences:
        session.print.say(f"Next: im connector diff {one.name}", "dim")


def _canary(session: Session, name: str) -> str:
    """How the newest canary fared there, "" when it was not tried."""
    newest = session.client.health().canary
    found = next((one for one in newest.results if one.connector == name), None) if newest else None
    if newest is None or found is None or newest.started_at is None:
        return ""
    word = "created" if found.created else f"not created: {found.fault or 'no answer'}"
    return f"{age(newest.started_at, session.clock())} ago, {word}"


_DIFFERENCES = (
    Column("INCIDENT"),
    Column("CONNECTOR"),
    Column("HERE"),
    Column("THERE"),
    Column("SINCE", right=True),
    Column("KIND", wide=True),
    Column("ABOUT", wide=True),
    Column("SEEN", right=True, wide=True),
    Column("ENDED", wide=True),
    Column("DECISION", flex=True),
    Column("WHY", flex=True, wide=True),
)


@command(app, "diff", example="im connector diff prod-pagerduty")
def diff(
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The connector; without it those of all are listed.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Those that are over as well.")] = False,
) -> None:
    """List where a provider and the hub see an incident differently, what was decided and why."""
    page = session.client.divergences(connector=name, state="all" if every else "open")
    if not session.print.data(page.raw):
        where = f"{name} and the hub" if name else "Every provider and the hub"
        session.print.rows(
            _DIFFERENCES,
            page.items,
            lambda one: _difference(one, session),
            none=f"{where} agree on every incident",
        )


def _difference(one: Divergence, session: Session) -> list[object]:
    exact = session.print.format == "tsv"
    since = rfc3339(one.since) if exact else f"{age(one.since, session.clock())} ago"
    return [
        one.incident + (f" ({one.service})" if one.service else ""),
        one.connector,
        one.ours,
        one.theirs,
        since,
        one.kind,
        one.what,
        one.times,
        f"{one.ended_why}" if one.ended_at else "",
        one.decision,
        one.reason,
    ]


_READ = (
    Column("INCIDENT"),
    Column("THERE AS"),
    Column("HERE"),
    Column("THERE"),
    Column("WHAT WAS FOUND AND DONE", flex=True),
)


@command(app, "sync", example="im connector sync prod-pagerduty --incident INC-7")
def sync(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connector.")],
    incident: Annotated[
        str, typer.Option("--incident", metavar="INC", help="This one alone; else every live one.")
    ] = "",
) -> None:
    """Ask a provider how its incidents stand, and do what follows."""
    report = session.client.sync(name, incident=incident)
    if session.print.data(report.raw):
        return
    nothing = f"{incident} does not live at {name}" if incident else f"No live incident lives at {name}"
    session.print.rows(_READ, report.findings, _finding, none=nothing)
    if report.held_back:
        session.print.say(f"Not all of it was read: {report.held_back}.", "yellow")
        session.print.say(f"Next: im connector status {name}", "dim")


def _finding(one: SyncFinding) -> list[object]:
    name = one.incident + (f" ({one.service})" if one.service else "")
    return [name, one.remote_id, one.ours, one.theirs, "; ".join(one.decided) or "nothing new"]


for _noun in (
    connector_checks,
    connector_health,
    connector_webhook,
    connector_discover,
    connector_settings,
    connector_mappings,
):
    _noun.add_to(app)
