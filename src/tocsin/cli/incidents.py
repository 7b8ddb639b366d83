"""Which incidents are there, and how does one of them stand?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.calls import calls_of
from tocsin.cli.command import Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.muted import list_muted
from tocsin.cli.printing import Column
from tocsin.cli.wording import (
    age,
    both_severities,
    incident_name,
    moment,
    plain,
    rfc3339,
    severity_from,
    span_ms,
)

if TYPE_CHECKING:
    from tocsin.client.shapes import Incident, ProviderSide

app = typer.Typer()

_COLUMNS = (
    Column("INCIDENT"),
    Column("SEVERITY", styled=True),
    Column("STATUS", styled=True),
    Column("AGE", right=True),
    Column("SERVICES", flex=True, limit=28),
    Column("TITLE", flex=True),
    Column("TEAM", wide=True),
    Column("ACKNOWLEDGED BY", wide=True),
    Column("ALERTS", wide=True, right=True),
    Column("REPEATS", wide=True, right=True),
    Column("RULE", wide=True),
    Column("OPENED", wide=True),
)


@command(app, "list", example="im list --severity SEV-1 --service payment-service\nim list --muted")
def list_incidents(
    session: Session,
    status: Annotated[
        str, typer.Option(help="open, mitigated, resolved, closed (several with commas) or all.")
    ] = "",
    severity: Annotated[
        str, typer.Option("--severity", "--sev", help="high or SEV-2; several with commas.")
    ] = "",
    service: Annotated[str, typer.Option(help="Of this service alone.")] = "",
    team: Annotated[str, typer.Option(help="Of this team alone.")] = "",
    search: Annotated[str, typer.Option("--search", "-q", help="Words to look for.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 100,
    cursor: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
    muted: Annotated[
        bool, typer.Option("--muted", help="The alerts that page nobody now: by what, until when, whom else.")
    ] = False,
) -> None:
    """List incidents: those open or acknowledged, unless asked otherwise."""
    if muted:
        if status or severity or service or team:
            raise Usage("--muted lists alerts that have no incident", hint="im list --muted --search TEXT")
        list_muted(session, search, limit, cursor)
        return
    page = session.client.incidents(
        status=_statuses(status),
        severity=",".join(severity_from(word) for word in severity.split(",")) if severity else "",
        service=service,
        team=team,
        q=search,
        limit=limit,
        cursor=cursor,
    )
    now = session.clock()
    if not session.print.data(page.raw):
        tsv = session.print.format == "tsv"
        none = "No incidents." if status or severity or service or team or search else "No open incidents."
        session.print.rows(_COLUMNS, page.items, lambda one: _row(one, session, now, exact=tsv), none=none)
    if page.next_cursor:
        session.print.say(f"More: im list --limit {limit} --cursor {page.next_cursor}")


def _statuses(typed: str) -> str:
    words = [word.strip().lower() for word in typed.split(",") if word.strip()]
    if "all" in words:
        return "open,mitigated,resolved,closed"
    return ",".join("mitigated" if word in ("acknowledged", "acked", "ack") else word for word in words)


def _row(incident: Incident, session: Session, now: datetime, *, exact: bool) -> list[object]:
    return [
        incident.name,
        incident.severity if exact else both_severities(incident.severity),
        _state(incident, session),
        age(incident.opened_at, now),
        ",".join(incident.services),
        incident.title,
        incident.team,
        incident.acknowledged_by,
        incident.alerts,
        incident.repeats,
        incident.rule,
        rfc3339(incident.opened_at) if exact else moment(incident.opened_at, utc=session.utc),
    ]


def _state(incident: Incident, session: Session) -> str:
    """The word for people, with the end of a snooze."""
    word = incident.status_shown or incident.status
    if incident.snoozed_until is None or session.print.format == "tsv":
        return word
    return f"{word} until {moment(incident.snoozed_until, utc=session.utc)}"


_SIDES = (
    Column("CONNECTOR"),
    Column("SERVICE"),
    Column("STATUS"),
    Column("WAITING", right=True),
    Column("LAST ERROR"),
    Column("THERE"),
)
_RUNGS = (
    Column("CONNECTOR"),
    Column("SERVICE"),
    Column("ACCEPTED", right=True),
    Column("CREATED", right=True),
    Column("NOTIFIED", right=True),
    Column("ACKNOWLEDGED", right=True),
)


@command(app, "show", example="im show INC-7")
def show(
    session: Session,
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="INC-7, 7 or the incident's id.")],
) -> None:
    """Show one incident: state, services, what each provider knows."""
    found = session.client.incident(incident_name(incident))
    if session.print.data(found.raw):
        return
    if session.print.format in ("tsv", "name"):
        sides = [("Provider", " ".join(map(str, _side(side, found)))) for side in found.providers]
        session.print.fields(
            [("Incident", found.name), ("Title", found.title), *_fields(found, session), *sides]
        )
        return
    session.print.line(plain(f"{found.name}  {found.title}"), "bold")
    from tocsin.cli.sla import sla_shown

    on_call = _on_call(found, session)
    calls = calls_of(session, found.name)
    promised = sla_shown(session, found.name)
    more = [("SLA", promised), ("On call now", on_call), ("Calls", calls)]
    session.print.fields([*_fields(found, session), *more])
    if found.providers:
        session.print.line()
        session.print.rows(_SIDES, found.providers, _standing, none="", whole=True)
        session.print.line()
        session.print.line("How far each page has come, and how long after the incident was opened:")
        session.print.rows(_RUNGS, found.providers, lambda side: _rungs(side, found), none="", whole=True)
    session.print.say(f"Next: {_following(found)}", "dim")


def _on_call(incident: Incident, session: Session) -> str:
    """Whom its providers would ring now, as they said last; "" once it is over, or when nobody knows."""
    if incident.status not in ("open", "mitigated") or not incident.services:
        return ""
    from tocsin.cli.oncall import on_call_now

    return on_call_now(session, incident.services[:3])


def _fields(incident: Incident, session: Session) -> list[tuple[str, object]]:
    at = moment if session.print.format != "tsv" else (lambda when, utc: rfc3339(when))
    utc = session.utc
    by = f" by {incident.acknowledged_by}" if incident.acknowledged_by else ""
    ended = f" by {incident.resolved_by}" if incident.resolved_by else ""
    parts = [f"{part.service} ({part.status})" for part in incident.parts] or incident.services
    return [
        (
            "Severity",
            incident.severity if session.print.format == "tsv" else both_severities(incident.severity),
        ),
        ("Status", incident.status_shown or incident.status),
        ("Services", ", ".join(parts)),
        ("Team", incident.team),
        ("Assignee", incident.assignee),
        ("Opened", at(incident.opened_at, utc=utc)),
        ("Acknowledged", incident.acknowledged_at and at(incident.acknowledged_at, utc=utc) + by),
        ("Snoozed until", incident.snoozed_until and at(incident.snoozed_until, utc=utc)),
        ("Resolved", incident.resolved_at and at(incident.resolved_at, utc=utc) + ended),
        ("Closed", incident.closed_at and at(incident.closed_at, utc=utc)),
        ("Next step", incident.next_step_at and at(incident.next_step_at, utc=utc)),
        ("Asks again", _asks_again(incident, at, utc=utc)),
        ("Rule", incident.rule),
        ("Policy", incident.policy),
        ("Alerts", f"{incident.alerts}, repeated {incident.repeats} times" if incident.alerts else "none"),
        ("Origin", incident.origin or ("declared by hand" if incident.declared else "")),
        ("Recurrence of", incident.recurrence_of),
        ("Merged into", incident.merged_into),
        ("Correlation", incident.correlation_id),
        *((name, value) for name, value in incident.fields.items()),
        ("Description", incident.description),
    ]


def _asks_again(incident: Incident, at: Callable[..., str], *, utc: bool) -> str:
    """ "02:36, about disk 2 full, disk 3 full, if they still fire"."""
    if incident.asks_again_at is None:
        return ""
    return f"{at(incident.asks_again_at, utc=utc)}, about {', '.join(incident.joined_meanwhile)}, if still firing"


def _standing(side: ProviderSide) -> list[object]:
    there = side.remote_url or side.remote_id
    return [
        side.connector,
        side.service,
        side.status,
        side.waiting or "",
        side.last_error or _waits(side),
        there,
    ]


def _waits(side: ProviderSide) -> str:
    """Its page is not late: it leaves with others (S22)."""
    if (
        side.held_until is None
        or side.accepted_at is not None
        or side.created_at is not None
        or not side.waiting
    ):
        return ""
    return f"waits for others until {side.held_until:%H:%M:%S} UTC"


def _rungs(side: ProviderSide, incident: Incident) -> list[object]:
    """Each rung is a fact of its own (S27); what is not known to have happened stays empty."""
    rungs = (side.accepted_at, side.created_at, side.notified_at, side.acknowledged_at)
    return [side.connector, side.service, *(_after(rung, incident.opened_at) for rung in rungs)]


def _after(at: datetime | None, opened_at: datetime | None) -> str:
    if at is None or opened_at is None:
        return ""
    return span_ms(max((at - opened_at).total_seconds(), 0) * 1000)


def _side(side: ProviderSide, incident: Incident) -> list[object]:
    """One line of it all, for programs."""
    connector, service, status, *rest = _standing(side)
    return [connector, service, status, _after(side.created_at, incident.opened_at), *rest]


def _following(incident: Incident) -> str:
    if incident.status == "open":
        return f"im ack {incident.name}   (all that happened: im timeline {incident.name})"
    if incident.status == "mitigated":
        return f"im resolve {incident.name}   (all that happened: im timeline {incident.name})"
    return f"im timeline {incident.name}"
