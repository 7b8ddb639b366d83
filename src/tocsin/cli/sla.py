"""What is promised about incidents, what ends soon, what was missed, and how much was kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.instants import instant_from
from tocsin.cli.printing import Column
from tocsin.cli.wording import both_severities, moment, plain, rfc3339, severity_from

if TYPE_CHECKING:
    from tocsin.client.sla import Sla, SlaClock, SlaFigure, SlaTarget

app = typer.Typer(
    name="sla",
    help="Look at what is promised: status, breaches, target, compliance.",
    cls=ExampleFirstGroup,
    epilog="im sla status\nim sla breaches --start 2026-11-01\nim sla target --service api",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)
Service = Annotated[str, typer.Option("--service", "-s", help="Of this service alone.")]
Team = Annotated[str, typer.Option(help="Of this team alone.")]
Sev = Annotated[str, typer.Option("--severity", "--sev", help="high or SEV-2.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many.")]
Start = Annotated[
    str, typer.Option("--start", metavar="TIME", help="From then on: a day or a time. Default: 30 days ago.")
]
End = Annotated[str, typer.Option("--end", metavar="TIME", help="Before then. Default: now.")]

_COLUMNS = (
    Column("INCIDENT"),
    Column("SEVERITY", styled=True),
    Column("ACKNOWLEDGE"),
    Column("RESOLVE"),
    Column("SERVICES", flex=True, limit=24),
    Column("TITLE", flex=True),
    Column("HOLDER"),
    Column("TEAM", wide=True),
    Column("ACK DUE", wide=True),
    Column("RESOLVE DUE", wide=True),
)


@app.callback()
def sla() -> None:
    """Look at what is promised: status, breaches, target, compliance."""


@command(app, "status", example="im sla status --sev SEV-1")
def status(
    session: Session, service: Service = "", team: Team = "", severity: Sev = "", limit: Limit = 100
) -> None:
    """List open incidents by the clock that ends soonest."""
    found = session.client.sla(service=service, team=team, severity=_severity(severity), limit=limit)
    if not session.print.data(found.raw):
        session.print.rows(
            _COLUMNS,
            found.items,
            lambda one: _row(one, session),
            none="Nothing is promised about any open incident.",
        )


@command(app, "breaches", example="im sla breaches --start 2026-11-01 --team payments")
def breaches(
    session: Session, start: Start = "", end: End = "", service: Service = "", team: Team = "", severity: Sev = "",
    limit: Limit = 100,
) -> None:  # fmt: skip
    """List what was missed, the last first."""
    found = session.client.sla_breaches(
        start=_at(start, "--start", session), end=_at(end, "--end", session), service=service, team=team,
        severity=_severity(severity), limit=limit,
    )  # fmt: skip
    if not session.print.data(found.raw):
        none = "Nothing was missed in that time."
        session.print.rows(_COLUMNS, found.items, lambda one: _row(one, session), none=none)


_TARGETS = (
    Column("SERVICE"),
    Column("SEVERITY", styled=True),
    Column("ACKNOWLEDGE"),
    Column("RESOLVE"),
    Column("HOURS"),
    Column("FROM", flex=True),
)


@command(app, "target", example="im sla target --service api")
def target(session: Session, service: Service = "") -> None:
    """Show what is promised, and whose word that is.

    A service's own word goes first, then `defaults.sla`, then `sla_mapping` of the connectors.
    """
    found = session.client.sla_targets(service=service)
    if session.print.data(found.raw):
        return
    rows: dict[tuple[str, str, str, str], dict[str, SlaTarget]] = {}
    for one in found.items:
        rows.setdefault((one.service, one.severity, one.hours, one.by), {})[one.clock] = one

    def cells(key: tuple[str, str, str, str]) -> list[object]:
        name, severity, hours, by = key
        clocks = rows[key]
        team = next((one.team for one in clocks.values() if one.team), "")
        said = [_span(clocks[word].promised_seconds) if word in clocks else "" for word in ("ack", "resolve")]
        shown = severity if session.print.format == "tsv" else both_severities(severity)
        return [name or "(none)", shown, *said, f"{hours} ({team})" if team else hours, by]

    session.print.rows(_TARGETS, list(rows), cells, none="Nothing is promised: set defaults.sla.")
    if rows:
        session.print.say(f"The holder is warned after {found.warn_at:.0%} of the time.", "dim")
    for sentence in found.disagreements:
        session.print.say(f"Warning: {plain(sentence)}", "yellow")


_FIGURES = (
    Column("BY"),
    Column("CLOCK"),
    Column("KEPT", right=True),
    Column("MISSED", right=True),
    Column("RUNNING", right=True),
    Column("SHARE", right=True),
)


@command(app, "compliance", example="im sla compliance --by team --start 2026-11-01 --end 2026-12-01")
def compliance(
    session: Session,
    by: Annotated[str, typer.Option(help="all, severity, team or service.")] = "severity",
    start: Start = "",
    end: End = "",
) -> None:
    """Show how much was kept, of the incidents opened in a time."""
    if by not in ("all", "severity", "team", "service"):
        raise Usage(f"--by {by!r} is none of all, severity, team and service")
    found = session.client.sla_compliance(
        by=by, start=_at(start, "--start", session), end=_at(end, "--end", session)
    )
    if session.print.data(found.raw):
        return

    def cells(one: SlaFigure) -> list[object]:
        share = "" if one.share is None else f"{one.share:.1%}"
        return [one.key or "(none)", one.clock, one.kept, one.missed, one.running, share]

    session.print.rows(
        _FIGURES, found.items, cells, none="Nothing was promised about what was opened in that time."
    )
    session.print.say(
        f"Opened from {moment(found.start, utc=session.utc)} to {moment(found.end, utc=session.utc)}.", "dim"
    )


def sla_shown(session: Session, incident: str) -> str:
    """ "acknowledge in 12 min (15 min), resolve missed 3 min ago (1 h)"; "" when nothing is promised or the server
    cannot say. It adds to something else that is shown, so it never fails."""
    from tocsin.client.errors import ClientError

    try:
        found = session.client.sla(incident=incident)
    except ClientError:
        return ""
    if not found.items:
        return ""
    words = {"ack": "acknowledge", "resolve": "resolve"}
    told = [
        f"{words.get(clock.clock, clock.clock)} {_clock(clock)}"
        + (f" (of {_span(clock.promised_seconds)})" if clock.promised_seconds else "")
        for clock in found.items[0].clocks
        if clock.state != "none"
    ]
    return ", ".join(told)


def _row(one: Sla, session: Session) -> list[object]:
    clocks = {clock.clock: clock for clock in one.clocks}
    exact = session.print.format == "tsv"

    def due(word: str) -> str:
        at = clocks[word].due_at if word in clocks else None
        return rfc3339(at) if exact else moment(at, utc=session.utc) if at else ""

    return [
        one.incident,
        one.severity if exact else both_severities(one.severity),
        *(_clock(clocks[word]) if word in clocks else "" for word in ("ack", "resolve")),
        ",".join(one.services),
        one.title,
        one.holder,
        one.team,
        due("ack"),
        due("resolve"),
    ]


def _clock(clock: SlaClock) -> str:
    """ "in 12 min", "ends in 2 min", "met", "missed", "missed, 5 min ago"."""
    if clock.state == "missed":
        return f"missed {_span(-clock.left_seconds)} ago" if clock.left_seconds is not None else "missed"
    if clock.state in ("met", "none"):
        return "met" if clock.state == "met" else ""
    left = clock.left_seconds or 0
    return f"{'ends ' if clock.state == 'warned' else ''}in {_span(left)}"


def _span(seconds: int | None) -> str:
    """ "15 min", "1 h 20 min", "3 d 4 h"."""
    if seconds is None:
        return ""
    seconds = max(seconds, 0)
    if seconds < 60:
        return f"{seconds} s"
    for size, word, smaller, less in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= size * (3 if word == "d" else 1):
            rest = seconds % size // smaller
            return f"{seconds // size} {word}" + (f" {rest} {less}" if rest else "")
    return f"{seconds // 60} min"


def _severity(text: str) -> str:
    return severity_from(text) if text else ""


def _at(text: str, option: str, session: Session) -> str:
    return instant_from(text, option, utc=session.utc) if text else ""
