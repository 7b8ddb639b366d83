"""How is an act on several incidents carried out and told: what happened here, and what each provider said?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.failures import Partial
from tocsin.cli.wording import and_list, moment, plain, span_ms

if TYPE_CHECKING:
    from tocsin.cli.command import Session
    from tocsin.client import ClientError
    from tocsin.client.deliveries import Delivery
    from tocsin.client.shapes import Incident

Note = Annotated[
    str, typer.Option("--note", "-m", metavar="TEXT", help="A note for the timeline and the providers.")
]
Wait = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Until each provider has answered, 30 s at most; exit 7 when one has not. Default: 2 s on a terminal.",
    ),
]
_GLANCE, _PATIENCE, _LOOK = 2.0, 30.0, 0.1


def each(
    session: Session, names: list[str], word: str, act: Callable[[str], Incident], following: str, wait: bool | None = False
) -> None:  # fmt: skip
    """Do it to each; one that fails does not keep the others from being done. What each provider made of it is waited
    for as `wait` says (None = a moment, on a terminal)."""
    from tocsin.client.errors import ClientError, Problem

    done: list[Incident] = []
    failed: list[tuple[str, ClientError]] = []
    for name in names:
        try:
            done.append(act(name))
        except ClientError as error:
            if len(names) == 1 or not isinstance(error, Problem):
                _print(session, done, word, "", {})
                raise
            failed.append((name, error))
    sides = (
        {one.name: there(session, one, seconds) for one in done}
        if (seconds := how_long(session, wait))
        else {}
    )
    _print(session, done, word, following.format(" ".join(one.name for one in done)), sides)
    for name, refusal in failed:
        session.print.say(f"{name}: {refusal}", "red")
    if failed and not done:
        raise failed[0][1]
    if failed:
        names_failed = and_list([name for name, _ in failed])
        raise Partial(f"{len(done)} of {len(names)} incidents were {word}; not {names_failed}")
    if wait:
        not_well(sides)


def how_long(session: Session, wait: bool | None) -> float:
    """Seconds that providers are waited for: as asked, else a moment on a terminal."""
    if wait is None:
        return _GLANCE if session.ask and session.print.format in ("table", "wide") else 0.0
    return _PATIENCE if wait else 0.0


class Side:
    """What one provider made of an act: `said` for people; `well` False = it did not do it, or not yet."""

    def __init__(self, connector: str, said: str, *, well: bool) -> None:
        self.connector, self.said, self.well = connector, said, well


def there(session: Session, acted: Incident, seconds: float) -> list[Side]:
    """What each provider made of what was just done to it, once it has said so or the time is over."""
    from tocsin.client.errors import ClientError

    if not acted.changed:
        return []
    try:
        waiting = {side.connector for side in acted.providers if side.waiting}
        until = time.monotonic() + seconds
        while waiting and time.monotonic() < until:
            time.sleep(_LOOK)
            now = session.client.incident(acted.name)
            waiting = {side.connector for side in now.providers if side.waiting}
        tried = session.client.deliveries(acted.name).items
    except ClientError:
        return []  # what was done is done; how it goes is in the timeline
    since = acted.updated_at
    last = {one.connector: one for one in tried if since is None or (one.at is not None and one.at >= since)}
    told = dict.fromkeys([*(side.connector for side in acted.providers), *last])
    return [_side(name, last.get(name), name in waiting) for name in told if name in last or name in waiting]


def _side(name: str, last: Delivery | None, waits: bool) -> Side:
    if last is not None and last.outcome in ("accepted", "skipped") and not waits:
        return Side(name, f"{name} ok {span_ms(last.took_ms or 0)}", well=True)
    if last is not None and last.outcome == "rejected":
        return Side(name, f"{name} refused: {last.reason}", well=False)
    return Side(name, f"{name} not yet{f': {last.reason}' if last and last.reason else ''}", well=False)


def not_well(sides: dict[str, list[Side]]) -> None:
    """Raise Partial when a provider did not do it."""
    missing = list(dict.fromkeys(side.connector for told in sides.values() for side in told if not side.well))
    if missing:
        raise Partial(
            f"done here, but not at {and_list(missing)}; it goes on being tried where that can help"
        )


def _print(
    session: Session, done: list[Incident], word: str, following: str, sides: dict[str, list[Side]]
) -> None:
    if not done or session.print.data(done[0].raw if len(done) == 1 else [one.raw for one in done]):
        return
    for incident in done:
        session.print.line(_sentence(incident, word, sides.get(incident.name, []), utc=session.utc))
    if following:
        session.print.say(f"Next: {following}", "dim")


def _sentence(incident: Incident, word: str, sides: list[Side], *, utc: bool) -> str:
    if word == "assigned":
        word = f"assigned to {incident.assignee}"
    if incident.changed:
        told = list(dict.fromkeys(side.connector for side in incident.providers))
        also = f" {and_list(told)} will be told." if told else ""
        if sides:
            also = f" ({', '.join(side.said for side in sides)})"
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
    if word.startswith("assigned"):
        return plain(f"{incident.name} was {word} already; nothing changed.")
    state = incident.status_shown.lower()
    if word == "reopened" or (not whom and not when):
        return plain(f"{incident.name} is {state} already; nothing changed.")
    return plain(f"{incident.name} was {word} already{whom}{when}; nothing changed.")
