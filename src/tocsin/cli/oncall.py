"""Who is on call for a service, until when, who is next, and who is asked when nobody answers?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.instants import instant_from, with_offset
from tocsin.cli.printing import Column
from tocsin.cli.wording import age, and_list, local, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.oncall import OnCall, OnCalls, OnCallTurn

app = typer.Typer()

_COLUMNS = (
    Column("SERVICE"),
    Column("ON CALL NOW", flex=True),
    Column("UNTIL"),
    Column("NEXT", flex=True),
    Column("THEN", flex=True),
    Column("BY"),
    Column("AS OF", right=True),
    Column("TEAM", wide=True),
    Column("POLICY", wide=True),
    Column("NEXT FROM", wide=True),
    Column("WARNINGS", wide=True),
)
_NEXT = (
    Column("SERVICE"),
    Column("NEXT", flex=True),
    Column("FROM"),
    Column("AFTER", flex=True),
    Column("BY"),
)


@command(
    app, "oncall",
    example="im oncall --service api\nim oncall --team payments --next\nim oncall --service api --at '2026-12-24 03:00'",
)  # fmt: skip
def oncall(
    session: Session,
    service: Annotated[str, typer.Option("--service", "-s", help="Of this service alone.")] = "",
    team: Annotated[str, typer.Option(help="Of this team's services.")] = "",
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="At another time: 2026-12-24T03:00Z, or local 2026-12-24 03:00.")
    ] = "",
    next_: Annotated[bool, typer.Option("--next", help="Who takes over, the soonest first.")] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the providers now instead of taking what they told last.")
    ] = False,
) -> None:  # fmt: skip
    """Show who is on call, as the providers say it, with the age of what they said.

    While the server is away the last answer is shown from this machine's own copy.
    """
    if at and refresh:
        raise Usage("--refresh is about now, --at about another time", hint="leave one of them out")
    found = _asked(session, service, team, at, refresh=refresh)
    if session.print.data(found.raw):
        return
    items = sorted(found.items, key=_hand_over) if next_ else found.items
    if len({one.service for one in items}) == 1 and service and session.print.format != "tsv":
        for number, one in enumerate(items):
            if number:
                session.print.line()
            _whole(session, one, only_next=next_)
        return
    tsv = session.print.format == "tsv"
    now = session.clock()
    rows = _next_row if next_ else _row
    session.print.rows(
        _NEXT if next_ else _COLUMNS, items, lambda one: rows(one, session, now, exact=tsv), none="No services."
    )  # fmt: skip
    for one in items:
        for warning in one.warnings if not next_ else ():
            session.print.say(f"Warning: {plain(one.service)}: {plain(warning)}", "yellow")


# ---- asking ----------------------------------------------------------------------------------------------


def _asked(session: Session, service: str, team: str, at: str, *, refresh: bool) -> OnCalls:
    """From the server; while it is away from the copy that was kept."""
    from tocsin.cli.kept_oncall import KeptOnCall
    from tocsin.client import errors

    kept = KeptOnCall(os.environ)
    try:
        if at:
            when = instant_from(at, "--at", utc=session.utc)
            return session.client.oncall(service=service, team=team, at=when)
        found = None if refresh else session.client.oncall(service=service, team=team)
        if found is None or (service and any(one.as_of is None or one.stale for one in found.items)):
            found = session.client.refresh_oncall(service=service, team=team)
    except (errors.Unreachable, errors.TimedOut, errors.ServerFault) as fault:
        if at or (copy := kept.of(session.places.url, service=service, team=team)) is None:
            raise
        return _from_copy(session, copy.at, copy.items, fault)
    kept.keep(session.places.url, found.raw["items"], session.clock())
    return found


def _from_copy(session: Session, at: datetime, items: list[dict[str, object]], fault: Exception) -> OnCalls:
    from tocsin.cli.kept_oncall import later
    from tocsin.client.oncall import OnCalls
    from tocsin.client.shapes import shaped

    now = session.clock()
    shown = local(at, utc=session.utc)
    day = "" if shown.date() == local(now, utc=session.utc).date() else f"{shown:%Y-%m-%d} "
    session.print.say(f"cached {day}{shown:%H:%M}, {age(at, now)} ago: {fault}", "yellow")
    told = {"at": rfc3339(now), "cached_at": rfc3339(at), "items": later(items, now)}
    return shaped(told, OnCalls)


def on_call_now(session: Session, services: Sequence[str]) -> str:
    """ "bo@example.com until 2026-11-23 10:00 +01:00 (web by prod-pagerduty)", several with "; "; "" when the server
    cannot say it. It adds to something else that is shown, so it never fails."""
    from tocsin.client.errors import ClientError

    told = []
    for service in services:
        try:
            found = session.client.oncall(service=service)
        except ClientError:
            return ""
        for one in found.items:
            people = ", ".join(
                f"{turn.person} until {with_offset(turn.until, utc=session.utc)}"
                if turn.until
                else turn.person
                for turn in one.current
            )
            if people or one.gap:
                told.append(
                    f"{people or 'nobody'} ({service} by {one.connector}{', STALE' if one.stale else ''})"
                )
    return "; ".join(told)


# ---- showing ---------------------------------------------------------------------------------------------


def _whole(session: Session, one: OnCall, *, only_next: bool) -> None:
    out, utc = session.print, session.utc
    out.line(f"Service: {plain(one.service)}", "bold")
    if not only_next:
        now = ", ".join(_until(turn, utc=utc) for turn in one.current) or "nobody"
        out.line(f"Current On-Call: {now}" if one.as_of or one.current else "Current On-Call: not known")
    following = ", ".join(f"{plain(turn.person)} ({with_offset(turn.since, utc=utc)})" for turn in one.next)
    if following or one.as_of:
        out.line(f"Next On-Call: {following or 'no hand-over in the five weeks to come'}")
    if not only_next:
        head = "Escalation: "
        for step in one.escalation:
            out.line(
                f"{head}After {step.after_minutes} minutes → {plain(and_list(list(step.to))) or 'nobody'}"
            )
            head = " " * len(head)
        if one.as_of and not one.escalation:
            out.line("Escalation: nobody else is asked there")
    by = f"Told by {plain(one.connector)} ({plain(one.policy or one.place)})" if one.connector else ""
    if one.as_of:
        out.say(f"{by}, as of {_as_of(session, one)}", "dim")
    for warning in one.warnings:
        out.say(f"Warning: {plain(warning)}", "yellow")


def _as_of(session: Session, one: OnCall) -> str:
    if one.as_of is None:
        return "never"
    now = session.clock()
    shown = local(one.as_of, utc=session.utc)
    day = "" if shown.date() == local(now, utc=session.utc).date() else f"{shown:%Y-%m-%d} "
    stale = ", STALE" if one.stale else ""
    seconds = max(0, int((now - one.as_of).total_seconds()))
    ago = (
        f"{seconds} s" if seconds < 60 else f"{seconds // 60} min" if seconds < 7200 else age(one.as_of, now)
    )
    return f"{day}{shown:%H:%M}, {ago} ago{stale}"


def _until(turn: OnCallTurn, *, utc: bool) -> str:
    until = f" (until {with_offset(turn.until, utc=utc)})" if turn.until else ""
    return f"{plain(turn.person)}{until}"


def _row(one: OnCall, session: Session, now: datetime, *, exact: bool) -> list[object]:
    current = ", ".join(turn.person for turn in one.current)
    until = min((turn.until for turn in one.current if turn.until), default=None)
    since = one.next[0].since if one.next else None
    then = [f"{step.after_minutes} min → {', '.join(step.to)}" for step in one.escalation]
    return [
        one.service,
        current or ("NOBODY" if one.gap else "not known" if one.connector else ""),
        _time(until, session, exact=exact),
        ", ".join(turn.person for turn in one.next),
        "; ".join(then),
        one.connector,
        rfc3339(one.as_of) if exact else f"{age(one.as_of, now)}{' STALE' if one.stale else ''}",
        one.team,
        one.policy,
        _time(since, session, exact=exact),
        "; ".join(one.warnings),
    ]


def _next_row(one: OnCall, session: Session, now: datetime, *, exact: bool) -> list[object]:
    since = one.next[0].since if one.next else None
    return [
        one.service,
        ", ".join(turn.person for turn in one.next) or "no hand-over in five weeks",
        _time(since, session, exact=exact),
        ", ".join(turn.person for turn in one.current),
        one.connector,
    ]


def _time(at: datetime | None, session: Session, *, exact: bool) -> str:
    if at is None:
        return ""
    return rfc3339(at) if exact else with_offset(at, utc=session.utc)


def _hand_over(one: OnCall) -> tuple[bool, str, str]:
    since = one.next[0].since if one.next else None
    return (since is None, rfc3339(since), one.service)
