"""How is a connector, and why? Asked live, beside what the hub has on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import CheckFailed
from tocsin.cli.printing import Column
from tocsin.cli.signs import sign

if TYPE_CHECKING:
    from tocsin.client.looks import ConnectorHealth

_LABELS = {
    "api": "API Connectivity",
    "authentication": "Authentication",
    "access": "Service Access",
    "webhook": "Webhook",
    "sync": "Sync Status",
    "errors": "Error Rate",
    "breaker": "Breaker",
    "queue": "Queue",
    "rate_limit": "Rate Limit",
}
_PLAIN = ("errors", "queue", "rate_limit")
"""Figures that have a sign only when they are bad."""


def add_to(app: typer.Typer) -> None:
    """Register the command under `im connector`."""
    command(app, "health", example="im connector health prod-pagerduty")(health)


def health(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connector; without it all of them.")] = "",
) -> None:
    """Show how a connector is, and why: asked live, and from the hub's records.

    Exit code 8 when one is not healthy.
    """
    if name:
        found = session.client.connector_health(name)
        if not session.print.data(found.raw):
            _show(session, found)
        every = [found]
    else:
        every = [session.client.connector_health(one.name) for one in session.client.connectors().items]
        if not session.print.data({"items": [one.raw for one in every]}):
            session.print.rows(_COLUMNS, every, _row, none="No connectors are configured: im apply -f")
    if ill := [one.connector for one in every if one.health != "healthy"]:
        raise CheckFailed(f"{', '.join(ill)}: not healthy")


def _show(session: Session, found: ConnectorHealth) -> None:
    if session.print.format == "tsv":
        session.print.line("ASPECT\tSTATE\tTEXT\tNEXT")
        session.print.line(f"health\t{found.health}\t\t")
        for one in found.aspects:
            session.print.line(f"{one.name}\t{one.state}\t{one.text}\t{one.step}")
        return
    styles = {"healthy": "green", "degraded": "yellow", "unhealthy": "bold red"}
    session.print.hanging([("Health: ", "dim"), (found.health.capitalize(), styles.get(found.health, ""))], 8)
    for one in found.aspects:
        shown, style = sign(session.print, one.state)
        label = f"{_LABELS.get(one.name, one.name)}: "
        quiet = one.name in _PLAIN and one.state == "ok"
        session.print.hanging(
            [(label, "dim"), ("" if quiet else f"{shown} ", style), (one.text, "")], len(label)
        )
        if one.step:
            session.print.hanging([("  -> ", "dim"), (one.step, "dim")], 5)


_COLUMNS = (
    Column("CONNECTOR"),
    Column("HEALTH"),
    Column("ANSWERS IN", right=True),
    Column("ERRORS", right=True),
    Column("QUEUE", right=True),
    Column("BREAKER", wide=True),
    Column("RATE LIMIT", wide=True),
    Column("WHY", flex=True),
)


def _row(one: ConnectorHealth) -> list[object]:
    said = {aspect.name: aspect.text for aspect in one.aspects}
    why = next((a.text for state in ("failed", "warning") for a in one.aspects if a.state == state), "")
    took = said.get("api", "").partition("(")[2].partition(" ")[0]
    short = [took or "-", *(said.get(name, "").partition(" ")[0] for name in ("errors", "queue"))]
    return [one.connector, one.health, *short, said.get("breaker", ""), said.get("rate_limit", ""), why]
