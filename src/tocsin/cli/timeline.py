"""What happened to an incident, when, by whom and why? Reads like a log; follows it when asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.wording import clock_ms, incident_name, local, plain, rfc3339, span_ms

if TYPE_CHECKING:
    from tocsin.client.shapes import Incident, TimelineLine

app = typer.Typer()

_TSV = ("AT", "DELTA_MS", "KIND", "WHO", "TEXT", "REASON", "TOOK_MS")
_RECONNECT_SECONDS = (0.5, 1.0, 2.0, 5.0)
_GOOD = ("acknowledged", "resolved", "page_notified")
_BAD = ("page_failed", "failed_over", "reopened")


@command(app, "timeline", example="im timeline INC-7 --follow")
def timeline(
    session: Session,
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="INC-7, 7 or the incident's id.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as things happen, until Ctrl-C.")
    ] = False,
) -> None:
    """Show what happened to an incident, step by step.

    Local time, time since the step before, who, what, and why in brackets. With --follow -o json
    each step is one line of JSON.
    """
    name = incident_name(incident)
    if follow:
        _follow(session, name)
        return
    lines, forgotten = _all_lines(session, name)
    whole = {"items": [line.raw for line in lines], "next_cursor": None}
    if session.print.data(whole | ({"forgotten_before": forgotten} if forgotten else {})):
        return
    log = _Log(session, max((len(plain(line.actor)) for line in lines), default=0))
    log.head(session.client.incident(name))
    for line in lines:
        log.step(line)
    if forgotten:
        session.print.say(
            f"Steps before {plain(forgotten)} are no longer kept (defaults.retention.timeline)."
        )
    elif not lines:
        session.print.say("Nothing has happened yet.")


def _all_lines(session: Session, name: str) -> tuple[list[TimelineLine], str]:
    """Every step that is kept, and until when steps are not kept any more ("" = all are there)."""
    lines: list[TimelineLine] = []
    cursor = ""
    while True:
        page = session.client.timeline(name, cursor=cursor)
        lines += page.items
        if not page.next_cursor or page.next_cursor == cursor:
            return lines, str(page.raw.get("forgotten_before") or "") if isinstance(page.raw, dict) else ""
        cursor = page.next_cursor


class _Log:
    """Prints steps one after another; remembers the one before for the difference and for doubles."""

    def __init__(self, session: Session, who: int) -> None:
        self._session = session
        self._who = min(max(who, len("tocsin")), _WIDEST_WHO)
        self._before: datetime | None = None
        self._day = ""
        self._seen: set[int] = set()

    def head(self, incident: Incident) -> None:
        """Say whose log this is."""
        out = self._session.print
        if out.format == "tsv":
            out.line("\t".join(_TSV))
        elif not out.structured:
            from tocsin.cli.wording import both_severities

            state = f"{both_severities(incident.severity)}, {incident.status_shown or incident.status}"
            out.line(plain(f"{incident.name}  {incident.title}  ({state})"), "bold")
            if incident.correlation_id:
                out.line(plain(f"correlation {incident.correlation_id}"), "dim")

    def step(self, line: TimelineLine) -> None:
        """Print one step unless it was printed before."""
        if line.id in self._seen and line.id:
            return
        self._seen.add(line.id)
        delta = (line.at - self._before).total_seconds() * 1000 if line.at and self._before else None
        self._before = line.at or self._before
        out = self._session.print
        if out.structured:
            out.out.write(_one_json_line(line.raw))
        elif out.format == "tsv":
            took = "" if line.took_ms is None else f"{line.took_ms:g}"
            apart = "" if delta is None else f"{delta:.0f}"
            cells = (rfc3339(line.at), apart, line.kind, line.actor, line.text, line.reason, took)
            out.line("\t".join(plain(cell) for cell in cells))
        else:
            self._for_people(line, delta)
        out.out.flush()

    def _for_people(self, line: TimelineLine, delta: float | None) -> None:
        out, utc = self._session.print, self._session.utc
        day = _day(local(line.at, utc=utc)) if line.at else ""
        if day and day != self._day:
            self._day = day
            out.line()
            out.line(day, "bold")
        time = clock_ms(line.at, utc=utc) if line.at else ""
        apart = "" if delta is None else f"{'-' if delta < 0 else '+'}{span_ms(abs(delta))}"
        who = plain(line.actor) or "tocsin"
        who = who if len(who) <= self._who else f"{who[: self._who - 1]}…"
        style = "green" if line.kind in _GOOD else "red" if line.kind in _BAD else ""
        why = plain(line.reason).replace("_", " ")
        pieces = [(f"{time:<12}  ", "dim"), (f"{apart:>8}  ", "dim"), (f"{who:<{self._who}}  ", "cyan")]
        pieces.append((plain(line.text) or plain(line.kind).replace("_", " "), style))
        out.hanging([*pieces, (f"  [{why}]" if why else "", "dim")], 12 + 2 + 8 + 2 + self._who + 2)


_WIDEST_WHO = 24


def _day(at: datetime) -> str:
    offset = at.strftime("%z")
    return f"{at:%A %Y-%m-%d} (UTC{offset[:3]}:{offset[3:5]})"


def _one_json_line(raw: dict[str, Any]) -> str:
    import json

    return json.dumps(raw, ensure_ascii=False) + "\n"


def _follow(session: Session, name: str) -> None:
    """Listen first and read the past afterwards, so that nothing falls between the two."""
    from itertools import count
    from time import sleep

    from tocsin.client.errors import Unreachable

    log = _Log(session, _WIDEST_WHO)
    last = ""
    failures = 0
    for attempt in count():
        try:
            stream = session.client.stream(last_event_id=last)
            known = session.client.incident(name)
            if attempt == 0:
                log.head(known)
            for line in _all_lines(session, name)[0]:
                log.step(line)
            failures = 0
            for seen, step in _new_lines(session, iter(stream), known.name):
                last = seen or last
                if step is not None:
                    log.step(step)
        except Unreachable as error:
            if attempt == 0:
                raise
            session.print.say(str(error), "yellow")
        pause = _RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)]
        failures += 1
        session.print.say(
            f"The server's stream ended; listening again in {pause:g} s. Ctrl-C stops.", "yellow"
        )
        sleep(pause)


def _new_lines(
    session: Session, events: Iterator[Any], name: str
) -> Iterator[tuple[str, TimelineLine | None]]:
    """Each event's id with its step, None when it is not of this incident.

    After a reset (the server forgot where we were) come all the incident's steps.
    """
    from tocsin.client.shapes import TimelineLine, shaped

    for event in events:
        if event.kind == "reset":
            for line in _all_lines(session, name)[0]:
                yield event.id, line
            continue
        step = shaped(event.data, TimelineLine) if event.kind == "timeline" else None
        yield event.id, step if step is not None and step.incident == name else None
