"""Acknowledge, snooze, resolve, close, reopen, note: what a person does to incidents, one or several at a time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from tocsin.cli import which
from tocsin.cli.command import Session, command
from tocsin.cli.done import Note, Wait, each
from tocsin.cli.failures import Usage
from tocsin.cli.quieting import For, time_from
from tocsin.cli.which import Names, Options, names
from tocsin.cli.wording import duration_from, incident_name

app = typer.Typer()

_End = Annotated[str, typer.Option("--until", metavar="TIME", help="Or until when: 09:00, 2026-12-24T18:00Z, or local 2026-12-24 18:00.")]  # fmt: skip


@command(app, "ack", example='im ack INC-7 --note "looking at it"')
def ack(
    session: Session,
    incidents: Names = None,
    incident: Options = None,
    mine: Annotated[
        bool, typer.Option("--all-mine", help="All that are assigned to you: the same as @mine.")
    ] = False,
    note: Note = "",
    wait: Wait = None,
) -> None:
    """Acknowledge incidents: say that you are on it.

    Escalation stops here and at every provider that was asked. They are yours from then on, here and there.
    """
    named = names(session, incidents, incident, mine=mine)
    each(
        session,
        named,
        "acknowledged",
        lambda name: session.client.acknowledge(name, note),
        "im resolve {}",
        wait,
    )


@command(
    app,
    "snooze",
    example='im snooze INC-7 --for 2h --note "waits for the vendor"\nim snooze INC-7 --until "09:00"',
)
def snooze(
    session: Session, incidents: Names = None, incident: Options = None, length: For = "", end: _End = "", note: Note = "",
    wait: Wait = None,
) -> None:  # fmt: skip
    """Snooze incidents: yours, but rung again later.

    Acknowledged until then (7 days at most); a new alert or a worse one rings before.
    """
    named = names(session, incidents, incident)
    if bool(length) == bool(end):
        raise Usage(
            "--for and --until are two ends" if end else "a snooze needs an end",
            hint=f"give one of them: im snooze {named[0]} --for 2h",
        )
    span = duration_from(length) if length else None
    until = _end_of(end, session) if end else None
    each(
        session, named, "snoozed",
        lambda name: session.client.snooze(name, length=span, until=until, note=note), "im ack {}   (keeps it for good)", wait,
    )  # fmt: skip


def _end_of(text: str, session: Session) -> datetime:
    """A time with its day, or the next time that a clock shows "09:00"."""
    if not re.fullmatch(r"\d{1,2}:\d{2}", text.strip()):
        return time_from(text, "--until", session)
    now = session.clock() if session.utc else session.clock().astimezone()
    at = time_from(f"{now:%Y-%m-%d} {text.strip():0>5}", "--until", session)
    return (
        at
        if at > now
        else time_from(f"{now + timedelta(days=1):%Y-%m-%d} {text.strip():0>5}", "--until", session)
    )


@command(app, "resolve", example='im resolve INC-7 --note "rolled back"')
def resolve(
    session: Session, incidents: Names = None, incident: Options = None, note: Note = "", wait: Wait = None
) -> None:
    """Resolve incidents: say that it is over.

    Here and at every provider that was asked.
    """
    named = names(session, incidents, incident)
    each(session, named, "resolved", lambda name: session.client.resolve(name, note), "im timeline {}", wait)


@command(app, "close", example="im close INC-7")
def close(
    session: Session, incidents: Names = None, incident: Options = None, note: Note = "", wait: Wait = None
) -> None:
    """Close incidents: put them away.

    What fires again afterwards opens a new incident.
    """
    named = names(session, incidents, incident, among="open,mitigated,resolved")
    each(session, named, "closed", lambda name: session.client.close_incident(name, note), "im list", wait)


@command(app, "reopen", example='im reopen INC-7 --note "it is back"')
def reopen(
    session: Session, incidents: Names = None, incident: Options = None, note: Note = "", wait: Wait = None
) -> None:
    """Reopen incidents: it is not over.

    The people are paged again.
    """
    named = names(session, incidents, incident, among=which.OVER)
    each(session, named, "reopened", lambda name: session.client.reopen(name, note), "im ack {}", wait)


@command(app, "note", example='im note INC-7 "the replica is rebuilding, 20 minutes"')
def note(
    session: Session,
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="INC-7, 7 or the incident's id.")] = "",
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The note; - reads it from the standard input.")
    ] = "",
    incident_option: Annotated[
        str, typer.Option("--incident", metavar="INCIDENT", help="The incident as an option.")
    ] = "",
    note_option: Note = "",
) -> None:
    """Add a note to an incident's timeline.

    Providers whose notes are synchronised get it too.
    """
    if incident_option and incident and not text:  # im note --incident INC-7 "the text"
        incident, text = "", incident
    name, words = incident or incident_option, text or note_option
    if words == "-":
        words = session.stdin.read()
    if not name or not words.strip():
        raise Usage(
            "a note needs an incident and a text" if not name else f"a note on {name} needs a text",
            hint='im note INC-7 "what you found"',
        )
    done = session.client.note(which.name(session, name, among=which.ANY), words.strip())
    if not session.print.data(done.raw):
        session.print.done(
            f"Noted on {done.name or incident_name(name)}.", f"im timeline {done.name or name}"
        )
