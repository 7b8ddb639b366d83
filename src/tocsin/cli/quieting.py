"""What do `im silence` and `im maintenance` share? Their options, tables and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session
from tocsin.cli.failures import Usage
from tocsin.cli.printing import Column
from tocsin.cli.wording import duration_from, moment, pair_from, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.mutes import Mute, MutePreview

When = Annotated[str, typer.Option("--when", metavar="CEL", help="A condition, as in the configuration.")]
For = Annotated[str, typer.Option("--for", metavar="SPAN", help="How long: 30m, 2h, 1d.")]
End = Annotated[str, typer.Option("--until", metavar="TIME", help="Or until when: 2026-12-24T18:00Z, or local 2026-12-24 18:00.")]  # fmt: skip
Start = Annotated[str, typer.Option("--start", metavar="TIME", help="From when. Default: now.")]
Every = Annotated[
    list[str] | None, typer.Option("--every", metavar="HOURS", help='Each week: "sun 02:00-04:00".')
]
Timezone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Whose wall --every is on.")]
Except = Annotated[list[str] | None, typer.Option("--except", metavar="SEVERITY", help="Paged all the same.")]
Everything = Annotated[bool, typer.Option("--everything", help="It is meant to cover every alert; needs --except critical.")]  # fmt: skip
Name = Annotated[str, typer.Option("--name", help="What it is called. Default: its comment.")]
Owner = Annotated[
    str, typer.Option("--owner", metavar="USER", help="Whose it is. Default: who the token is.")
]
Why = Annotated[str, typer.Option("--comment", "-c", metavar="TEXT", help="Why, for who finds it at night.")]
Preview = Annotated[bool, typer.Option("--preview", help="Only show what it would mute now.")]

_COLUMNS = (
    Column("ID"),
    Column("NAME", flex=True),
    Column("STATE"),
    Column("WHEN"),
    Column("COVERS", flex=True),
    Column("OWNER"),
    Column("FROM", wide=True),
    Column("COMMENT", wide=True),
    Column("MADE BY", wide=True),
)
_ALERTS = (
    Column("ALERT"),
    Column("SEVERITY", styled=True),
    Column("STATUS"),
    Column("INCIDENT"),
    Column("TITLE", flex=True),
)


@dataclass(frozen=True, slots=True)
class Mutes:
    """One of the two kinds: its address in the API and its noun here."""

    address: str
    noun: str

    def add(
        self, session: Session, match: list[str], *, preview: bool, when: str, length: str, end: str, start: str,
        every: list[str], timezone: str, excepted: list[str], everything: bool, name: str, owner: str, comment: str,
    ) -> None:  # fmt: skip
        """Ask the API for it, or for what it would mute."""
        if length and end:
            raise Usage("--for and --until are two ends", hint="give one of them")
        begins = time_from(start, "--start", session) if start else None
        ends = time_from(end, "--until", session) if end else None
        if length:
            ends = (begins or session.clock()) + duration_from(length)
        body: dict[str, Any] = {
            "name": name, "match": dict(pair_from(one, "match") for one in match), "when": when, "every": every,
            "except": excepted, "owner": owner or session.client.whoami().name, "comment": comment, "timezone": timezone,
        }  # fmt: skip
        body |= {"everything": True} if everything else {}
        body |= {"starts_at": rfc3339(begins)} if begins else {}
        body |= {"ends_at": rfc3339(ends)} if ends else {}
        if preview:
            self._preview(session, session.client.preview_mute(self.address, body))
            return
        made = session.client.make_mute(self.address, body)
        if not session.print.data(made.raw):
            session.print.line(plain(f"{made.name}: {_state(made, session)}. Its id is {made.id}."))
            self._warn(session, made)
            session.print.say(
                f"Next: im list --muted   (end it: im {self.noun} {self._ends()} {made.id})", "dim"
            )

    def _ends(self) -> str:
        return "expire" if self.noun == "silence" else "end"

    def _warn(self, session: Session, mute: Mute) -> None:
        for warning in mute.warnings:
            session.print.say(f"Warning: {warning}", "yellow")

    def _preview(self, session: Session, found: MutePreview) -> None:
        if session.print.data(found.raw):
            return
        session.print.rows(
            _ALERTS, found.alerts, lambda a: [a.id, a.severity, a.status, a.incident, a.title],
            none=f"It would mute none of the {found.asked} live alerts now.",
        )  # fmt: skip
        if found.total:
            session.print.say(f"{found.total} of {found.asked} live alerts; nothing was changed.")

    def list(self, session: Session, *, everything: bool) -> None:
        """A table of them."""
        page = session.client.mutes(self.address, state="all" if everything else "live")
        if session.print.data(page.raw):
            return
        none = (
            f"Nothing is kept quiet by a {self.noun}."
            if self.noun == "silence"
            else "No maintenance windows."
        )
        session.print.rows(_COLUMNS, page.items, lambda one: _row(one, session), none=none)

    def show(self, session: Session, name: str) -> None:
        """One with all its fields."""
        found = session.client.mute(self.address, name)
        if session.print.data(found.raw):
            return
        session.print.fields(_fields(found, session))
        self._warn(session, found)

    def end(self, session: Session, name: str) -> None:
        """End one now."""
        done = session.client.end_mute(self.address, name)
        if not session.print.data(done.raw):
            session.print.line(plain(f"{done.name} is over; what still fires is paged now."))


def time_from(text: str, option: str, session: Session) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    except ValueError:
        raise Usage(
            f"{option} {text!r} is not a time", hint="write 2026-12-24T18:00Z or 2026-12-24 18:00"
        ) from None
    if at.tzinfo is None:  # a person means the clock on their wall, unless --utc
        at = at.replace(tzinfo=UTC) if session.utc else at.astimezone()
    return at


def _state(mute: Mute, session: Session) -> str:
    if mute.fault:
        return f"mutes nothing ({mute.fault})"
    if mute.until:
        return f"mutes until {moment(mute.until, utc=session.utc)}"
    return f"mutes from {moment(mute.next_at, utc=session.utc)}" if mute.next_at else mute.state


def _covers(mute: Mute) -> str:
    parts = [*(f"{name}={value}" for name, value in mute.match.items()), *([mute.when] if mute.when else [])]
    text = " and ".join(parts) or "everything"
    return f"{text}, but {', '.join(mute.excepted)}" if mute.excepted else text


def _row(mute: Mute, session: Session) -> list[object]:
    exact = session.print.format == "tsv"
    when = mute.until or mute.next_at or mute.ends_at
    word = "until " if mute.until else "from " if mute.next_at else "ended "
    told = rfc3339(when) if exact else word + moment(when, utc=session.utc) if when else ""
    return [
        mute.id or "(configuration)", mute.name, mute.state, told, _covers(mute), mute.owner, mute.origin, mute.comment,
        mute.made_by,
    ]  # fmt: skip


def _fields(mute: Mute, session: Session) -> list[tuple[str, object]]:
    def at(when: datetime | None) -> str:
        return (
            (rfc3339(when) if session.print.format == "tsv" else moment(when, utc=session.utc))
            if when
            else ""
        )

    return [
        ("Name", mute.name), ("Id", mute.id), ("State", _state(mute, session)), ("Covers", _covers(mute)),
        ("Every", ", ".join(mute.every) and f"{', '.join(mute.every)} ({mute.timezone})"), ("Starts", at(mute.starts_at)),
        ("Ends", at(mute.ends_at)), ("Owner", mute.owner), ("Comment", mute.comment), ("From", mute.origin),
        ("Made by", mute.made_by), ("Made", at(mute.made_at)),
        ("Ended by", f"{mute.cancelled_by} at {at(mute.cancelled_at)}" if mute.cancelled_at else ""),
        ("Fault", mute.fault),
    ]  # fmt: skip
