"""Acknowledge, snooze, resolve, close, reopen, note: what a person does to incidents, one or several at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Partial, Usage
from tocsin.cli.quieting import For, time_from
from tocsin.cli.wording import and_list, duration_from, incident_name, moment, plain

if TYPE_CHECKING:
    from tocsin.client.shapes import Incident

app = typer.Typer()

_Names = Annotated[list[str] | None, typer.Argument(metavar="INCIDENT", help="INC-7, 7 or an incident's id.")]
_Options = Annotated[
    list[str] | None, typer.Option("--incident", metavar="INCIDENT", help="The same as an option.")
]
_End = Annotated[str, typer.Option("--until", metavar="TIME", help="Or until when: 09:00, 2026-12-24T18:00Z, or local 2026-12-24 18:00.")]  # fmt: skip
_Note = Annotated[str, typer.Option("--note", "-m", metavar="TEXT", help="A note for the timeline.")]


@command(app, "ack", example='im ack INC-7 --note "looking at it"')
def ack(session: Session, incidents: _Names = None, incident: _Options = None, note: _Note = "") -> None:
    """Acknowledge incidents: say that you are on it.

    Escalation stops here and at every provider that was asked.
    """
    names = _names(incidents, incident)
    _each(
        session, names, "acknowledged", lambda name: session.client.acknowledge(name, note), "im resolve {}"
    )


@command(
    app,
    "snooze",
    example='im snooze INC-7 --for 2h --note "waits for the vendor"\nim snooze INC-7 --until "09:00"',
)
def snooze(
    session: Session, incidents: _Names = None, incident: _Options = None, length: For = "", end: _End = "", note: _Note = "",
) -> None:  # fmt: skip
    """Snooze incidents: yours, but rung again later.

    Acknowledged until then (7 days at most); a new alert or a worse one rings before.
    """
    names = _names(incidents, incident)
    if bool(length) == bool(end):
        raise Usage(
            "--for and --until are two ends" if end else "a snooze needs an end",
            hint=f"give one of them: im snooze {names[0]} --for 2h",
        )
    span = duration_from(length) if length else None
    until = _end_of(end, session) if end else None
    _each(
        session, names, "snoozed",
        lambda name: session.client.snooze(name, length=span, until=until, note=note), "im ack {}   (keeps it for good)",
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
def resolve(session: Session, incidents: _Names = None, incident: _Options = None, note: _Note = "") -> None:
    """Resolve incidents: say that it is over.

    Here and at every provider that was asked.
    """
    names = _names(incidents, incident)
    _each(session, names, "resolved", lambda name: session.client.resolve(name, note), "im timeline {}")


@command(app, "close", example="im close INC-7")
def close(session: Session, incidents: _Names = None, incident: _Options = None, note: _Note = "") -> None:
    """Close incidents: put them away.

    What fires again afterwards opens a new incident.
    """
    names = _names(incidents, incident)
    _each(session, names, "closed", lambda name: session.client.close_incident(name, note), "im list")


@command(app, "reopen", example='im reopen INC-7 --note "it is back"')
def reopen(session: Session, incidents: _Names = None, incident: _Options = None, note: _Note = "") -> None:
    """Reopen incidents: it is not over.

    The people are paged again.
    """
    names = _names(incidents, incident)
    _each(session, names, "reopened", lambda name: session.client.reopen(name, note), "im ack {}")


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
    note_option: _Note = "",
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
    done = session.client.note(incident_name(name), words.strip())
    if not session.print.data(done.raw):
        session.print.done(
            f"Noted on {done.name or incident_name(name)}.", f"im timeline {done.name or name}"
        )


def _names(positional: list[str] | None, options: list[str] | None) -> list[str]:
    names = [incident_name(name) for given in (positional, options) for name in given or []]
    if not names:
        raise Usage("no incident is named", hint="name one or more, like INC-7; im list shows them")
    return list(dict.fromkeys(names))


def _each(
    session: Session, names: list[str], word: str, act: Callable[[str], Incident], following: str
) -> None:
    """Do it to each; one that fails does not keep the others from being done."""
    from tocsin.client.errors import ClientError, Problem

    done: list[Incident] = []
    failed: list[tuple[str, ClientError]] = []
    for name in names:
        try:
            done.append(act(name))
        except ClientError as error:
            if len(names) == 1 or not isinstance(error, Problem):
                _print(session, done, word, "")
                raise
            failed.append((name, error))
    _print(session, done, word, following.format(" ".join(one.name for one in done)))
    if not failed:
        return
    for name, refusal in failed:
        session.print.say(f"{name}: {refusal}", "red")
    if not done:
        raise failed[0][1]
    names_failed = and_list([name for name, _ in failed])
    raise Partial(f"{len(done)} of {len(names)} incidents were {word}; not {names_failed}")


def _print(session: Session, done: list[Incident], word: str, following: str) -> None:
    if not done or session.print.data(done[0].raw if len(done) == 1 else [one.raw for one in done]):
        return
    for incident in done:
        session.print.line(_sentence(incident, word, utc=session.utc))
    if following:
        session.print.say(f"Next: {following}", "dim")


def _sentence(incident: Incident, word: str, *, utc: bool) -> str:
    if incident.changed:
        told = [side.connector for side in incident.providers]
        also = f" {and_list(list(dict.fromkeys(told)))} will be told." if told else ""
        if word == "snoozed" and incident.snoozed_until:
            word = f"snoozed until {moment(incident.snoozed_until, utc=utc)}"
        return plain(f"{incident.name} {word}: {incident.title}.{also}")
    at, by = {
        "acknowledged": (incident.acknowledged_at, incident.acknowledged_by),
        "snoozed": (incident.acknowledged_at, incident.acknowledged_by),
        "resolved": (incident.resolved_at, incident.resolved_by),
        "closed": (incident.closed_at, ""),
    }.get(word, (None, ""))
    whom = f" by {by}" if by else ""
    when = f" at {moment(at, utc=utc)}" if at else ""
    state = incident.status_shown.lower()
    if word == "reopened" or (not whom and not when):
        return plain(f"{incident.name} is {state} already; nothing changed.")
    return plain(f"{incident.name} was {word} already{whom}{when}; nothing changed.")
