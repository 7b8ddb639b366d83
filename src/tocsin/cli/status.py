"""How is the hub itself? One screen, true to what its database says now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.printing import Column
from tocsin.cli.wording import age, both_severities, moment, plain, rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from tocsin.client.shapes import Connector
    from tocsin.client.states import Alarm, Health, Node

app = typer.Typer()

_STYLES = {"healthy": "green", "degraded": "yellow", "unhealthy": "bold red"}
_NODES = (
    Column("NODE"),
    Column("ROLE"),
    Column("STATE", styled=True),
    Column("DUTY"),
    Column("VERSION"),
    Column("LAST HEARD", right=True),
)
_CONNECTORS = (
    Column("CONNECTOR"),
    Column("BREAKER", styled=True),
    Column("QUEUE", right=True),
    Column("LAST SUCCESS", right=True),
    Column("LAST ERROR", flex=True),
)
_ALARMS = (
    Column("SEVERITY"), Column("ALARM", flex=True), Column("SINCE", right=True), Column("INCIDENT"), Column("SEEN", right=True, wide=True),
    Column("CLEARED", wide=True), Column("TOLD DIRECTLY", wide=True), Column("WHAT TO DO", flex=True, wide=True),
)  # fmt: skip


@command(app, "status", example="im status")
def status(session: Session) -> None:
    """Show how the hub is: nodes, alarms, queues, connectors.

    `im doctor` checks more, and says what to do about it.
    """
    health = session.client.health()
    if session.print.data(health.raw):
        return
    session.print.line(_summary(health), _STYLES.get(health.system_status, ""))
    told = {alarm.title for alarm in health.alarms}
    for reason in health.reasons:
        if reason not in told:
            session.print.line(plain(f"  {reason}"))
    if health.alarms:
        session.print.line()
        session.print.rows(_ALARMS, list(health.alarms), lambda one: _alarm(one, session), none="")
    if health.nodes:
        session.print.line()
        session.print.rows(_NODES, list(health.nodes), lambda one: _node(one, session), none="")
    session.print.line()
    session.print.rows(
        _CONNECTORS, list(health.connectors), lambda one: _connector(one, session),
        none="No connectors: nobody can be paged. Next: im apply -f hub.yaml",
    )  # fmt: skip
    if health.canary is not None and health.canary.started_at is not None:
        made = sum(one.created for one in health.canary.results)
        ended = (
            f"created at {made} of {len(health.canary.connectors)}" if health.canary.ended_at else "under way"
        )
        session.print.line()
        session.print.line(f"Last canary {age(health.canary.started_at, session.clock())} ago: {ended}")
    if health.system_status != "healthy":
        session.print.say("Next: im doctor", "dim")


def _summary(health: Health) -> str:
    worker = health.worker
    counts = {
        "active incident": health.active_incidents, "undecided alert": worker.get("undecided_alerts", 0),
        "pending webhook": worker.get("pending_webhooks", 0), "waiting delivery": sum(one.queue for one in health.connectors),
    }  # fmt: skip
    return f"{health.system_status}: {', '.join(_counted(int(n), word) for word, n in counts.items())}"


def _counted(count: int, word: str) -> str:
    if count == 1:
        return f"1 {word}"
    return f"{count or 'no'} {word[:-1] + 'ies' if word.endswith('y') else word + 's'}"


@command(app, "alarms", example="im alarms --all")
def alarms(
    session: Session,
    every: Annotated[bool, typer.Option("--all", help="Those that are over as well.")] = False,
) -> None:
    """List what does not work in the hub itself.

    Each is an incident too: im show INCIDENT.
    """
    page = session.client.alarms(state="all" if every else "going_on")
    if not session.print.data(page.raw):
        session.print.rows(_ALARMS, page.items, lambda one: _alarm(one, session), none="No alarm goes on.")


def _ago(at: datetime | None, session: Session) -> str:
    if at is None:
        return ""
    return rfc3339(at) if session.print.format == "tsv" else f"{age(at, session.clock())} ago"


def _alarm(one: Alarm, session: Session) -> list[object]:
    cleared = (
        (rfc3339 if session.print.format == "tsv" else lambda at: moment(at, utc=session.utc))(one.cleared_at)
        if one.cleared_at
        else ""
    )
    return [
        both_severities(one.severity),
        one.title,
        _ago(one.raised_at, session),
        one.incident,
        one.times,
        cleared,
        one.direct_to,
        one.text,
    ]


def _node(one: Node, session: Session) -> list[object]:
    return [
        one.name,
        one.role,
        "up" if one.up else "silent",
        "on duty" if one.on_duty else "",
        one.version,
        _ago(one.seen_at, session),
    ]


def _connector(one: Connector, session: Session) -> list[object]:
    return [
        one.name,
        one.breaker.state if one.breaker else "",
        one.queue,
        _ago(one.last_success_at, session),
        one.last_error,
    ]
