"""Who did what? The audit log: listed, looked at, followed, verified and taken away."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.failures import CheckFailed, Code, Failure, Usage
from tocsin.cli.printing import Column
from tocsin.cli.wording import duration_from, moment, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.audit import AuditEntry
    from tocsin.client.ledger import Ledger

app = typer.Typer(
    name="audit",
    help="Who did what: list, show, tail, verify, export.",
    cls=ExampleFirstGroup,
    epilog="im audit list --actor ada --since 24h\nim audit verify\nim audit export -f audit.ndjson\nim audit verify audit.ndjson",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)


@app.callback()
def audit() -> None:
    """Who did what: list, show, tail, verify, export."""


_COLUMNS = (
    Column("NO", right=True),
    Column("AT"),
    Column("ACTOR", flex=True),
    Column("ACTION"),
    Column("OBJECT", flex=True),
    Column("ORIGIN"),
    Column("OUTCOME", wide=True),
    Column("ADDRESS", wide=True),
    Column("VIA", wide=True),
    Column("WHAT", flex=True),
)
_Actor = Annotated[str, typer.Option("--actor", metavar="NAME", help="What one person, token … did.")]
_Action = Annotated[
    str, typer.Option("--action", metavar="ACTION", help="incident.acknowledge; incident = all of those.")
]
_Object = Annotated[str, typer.Option("--object", metavar="OBJECT", help="INC-7, version 12, …")]
_Origin = Annotated[
    str,
    typer.Option("--origin", metavar="ORIGIN", help="command, page, api, webhook, reading, timer, start."),
]
_Refused = Annotated[bool, typer.Option("--refused", help="Only what was refused.")]
_Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="24h, 7d … ago, or 2026-11-16T00:00:00Z.")
]
_Until = Annotated[str, typer.Option("--until", metavar="TIME", help="The same; where it ends.")]


def _at(text: str, session: Session) -> str:
    """An instant as the API takes it: given as one, or as so long ago."""
    if not text or (text[:4].isdigit() and "-" in text):
        return text
    return rfc3339(session.clock() - duration_from(text))


def _narrowed(session: Session, **given: str) -> dict[str, str]:
    times = {name: _at(given.pop(name, ""), session) for name in ("since", "until")}
    return {name: value for name, value in {**given, **times}.items() if value}


@command(app, "list", example="im audit list --actor ada --since 24h")
def list_entries(
    session: Session, actor: _Actor = "", action: _Action = "", object: _Object = "", origin: _Origin = "",
    refused: _Refused = False, since: _Since = "", until: _Until = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 50,
) -> None:  # fmt: skip
    """List who did what, the newest first."""
    narrowed = _narrowed(
        session, actor=actor, action=action, object=object, origin=origin, since=since, until=until,
        outcome="refused" if refused else "",
    )  # fmt: skip
    page = session.client.audit(limit=limit, **narrowed)
    if not session.print.data(page.raw):
        session.print.rows(
            _COLUMNS, page.items, lambda one: _row(one, session), none="Nothing of that kind was done."
        )


def _row(one: AuditEntry, session: Session) -> list[object]:
    at = one.at
    when = "" if at is None else rfc3339(at) if session.print.format == "tsv" else moment(at, utc=session.utc)
    number = one.seq if one.seq is not None else ""
    return [
        number,
        when,
        one.actor,
        one.action,
        one.object,
        one.origin,
        one.outcome,
        one.address,
        one.via,
        _what(one),
    ]


def _what(one: AuditEntry) -> str:
    """What changed, in short: from what to what."""
    before, after = one.before or {}, one.after or {}
    told = [
        f"{name}: {_short(before[name])} -> {_short(value)}" if name in before else f"{name}: {_short(value)}"
        for name, value in after.items()
    ]
    refused = "refused: " if one.outcome == "refused" else ""
    return _cut(refused + ("; ".join(told) or one.text), 160)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _cut(" ".join(text.split()) or "-", 48)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


class NoSuchEntry(Failure):
    """There is no entry of that number."""

    code = Code.NOT_FOUND


@command(app, "show", example="im audit show 42")
def show(
    session: Session, number: Annotated[int, typer.Argument(metavar="NO", min=1, help="Its number in the list.")]
) -> None:  # fmt: skip
    """Show one entry whole, with what was before and after."""
    cursor, found = "", None
    while found is None:
        page = session.client.audit(limit=500, cursor=cursor)
        found = next((one for one in page.items if one.seq == number), None)
        oldest = min((one.seq for one in page.items if one.seq is not None), default=0)
        if found is None and (not page.next_cursor or oldest < number - 500):
            raise NoSuchEntry(f"There is no entry {number}", hint="im audit list shows the newest")
        cursor = page.next_cursor or ""
    if session.print.data(found.raw):
        return
    session.print.fields([
        ("No", found.seq), ("At", rfc3339(found.at) if found.at else ""), ("Actor", f"{found.actor} ({found.actor_kind})"),
        ("Action", found.action), ("Object", found.object), ("Outcome", found.outcome), ("Origin", found.origin),
        ("Address", found.address), ("Via", found.via), ("Text", found.text), ("Hash", found.hash),
        *((f"Before {name}", _whole(value)) for name, value in (found.before or {}).items()),
        *((f"After {name}", _whole(value)) for name, value in (found.after or {}).items()),
    ])  # fmt: skip


def _whole(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@command(app, "tail", example="im audit tail --follow")
def tail(
    session: Session,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on, until Ctrl-C.")] = False,
    count: Annotated[int, typer.Option("--lines", "-n", min=1, max=500, help="How many to begin with.")] = 20,
) -> None:
    """Print the newest entries, the last one last, a line each; with --follow also those that come.

    -o json prints one JSON object a line.
    """
    seen: set[int] = set()
    most = count
    while True:
        new = [one for one in session.client.audit(limit=most).items if one.id not in seen]
        for one in reversed(new):
            seen.add(one.id)
            _line(one, session)
        session.print.out.flush()
        if not follow:
            return
        most = 500
        time.sleep(2)


def _line(one: AuditEntry, session: Session) -> None:
    if session.print.structured:
        session.print.line(json.dumps(one.raw, ensure_ascii=False))
        return
    at = rfc3339(one.at) if one.at else ""
    by = f"{one.actor} ({one.origin}{' ' + one.address if one.address else ''})"
    told = f": {_what(one)}" if _what(one) else ""
    session.print.line(plain(f"{at} {by} {one.action} {one.object}{told}"))


@command(app, "verify", example="im audit verify\nim audit verify audit.ndjson")
def verify(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="An exported log; - reads stdin. Without: the server's.")] = "",
    head: Annotated[
        str, typer.Option("--head", metavar="HASH", help="The hash that its last entry must have, noted elsewhere.")
    ] = "",
) -> None:  # fmt: skip
    """Verify that nothing in the audit log was changed, taken out, put in or cut off.

    Exit code 8 when it does not hold. An exported file is verified here, without any server.
    """
    if file:
        _verify_file(session, file, head)
    else:
        _verify_server(session, head)


def _verify_server(session: Session, head: str) -> None:
    found = session.client.audit_verify()
    first, count, faults, raw = found.first, found.checked, list(found.faults), dict(found.raw)
    while found.more:
        found = session.client.audit_verify(after=found.last)
        count, faults = count + found.checked, [*faults, *found.faults]
        raw = found.raw | {"faults": [*raw["faults"], *found.raw["faults"]]}
    told = [(fault.seq, fault.text) for fault in faults]
    told += (
        [(found.last, f"has the hash {found.hash}, not the one given")] if head and head != found.hash else []
    )
    raw |= {"first": first, "checked": count, "ok": not told}
    waiting = f"; {found.waiting} more wait for their place" if found.waiting else ""
    if not session.print.data(raw):
        for seq, text in told:
            session.print.line(plain(f"entry {seq}: {text}"), "red")
        if not told:
            session.print.line(f"The audit log holds: {count} entries, up to {found.last}{waiting}.")
            session.print.line(f"Its last hash: {found.hash}")
            session.print.say(
                "Next: keep that hash elsewhere; im audit verify --head HASH compares it", "dim"
            )
    if told:
        raise CheckFailed(
            f"The audit log does not hold: {len(told)} faults", hint="im audit export keeps it as it is now"
        )


def _verify_file(session: Session, file: str, head: str) -> None:
    from tocsin.client.ledger import LedgerFault, read_ledger

    try:
        if file == "-":
            found = read_ledger(sys.stdin.buffer)
        else:
            with Path(file).open("rb") as lines:
                found = read_ledger(lines)
    except OSError as error:
        raise Usage(f"{file} cannot be read: {error.strerror}") from error
    if head and head != found.hash:
        found.faults.append(LedgerFault(0, f"its last entry has the hash {found.hash}, not the one given"))
    if not session.print.data(_raw(found)):
        for fault in found.faults:
            session.print.line(plain(f"{file}:{fault.line}: {fault.text}"), "red")
        if found.holds:
            session.print.line(
                plain(f"{file} holds: {found.entries} entries, {found.first} to {found.last}.")
            )
            session.print.line(plain(f"Exported {found.exported_at} by {found.exported_by}."))
            session.print.line(f"Its last hash: {found.hash}")
    if not found.holds:
        raise CheckFailed(f"{file} does not hold: {len(found.faults)} faults", hint="compare it with another copy, or with the server: im audit verify")  # fmt: skip


def _raw(found: Ledger) -> dict[str, Any]:
    return {
        "ok": found.holds, "installation": found.installation, "exported_at": found.exported_at,
        "exported_by": found.exported_by, "entries": found.entries, "first": found.first, "last": found.last,
        "hash": found.hash, "faults": [{"line": fault.line, "text": fault.text} for fault in found.faults],
    }  # fmt: skip


@command(app, "export", example="im audit export --since 30d -f audit.ndjson")
def export(
    session: Session,
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="Where to; without it stdout.")
    ] = "",
    since: _Since = "",
    until: _Until = "",
) -> None:
    """Take the audit log away, one JSON object a line; im audit verify FILE tells whether it holds."""
    pieces = session.client.audit_export(**_narrowed(session, since=since, until=until))
    first = next(pieces, b"")  # a refusal comes before anything is written
    if not file:
        out = getattr(session.print.out, "buffer", None)
        for piece in (first, *pieces):
            if out is not None:
                out.write(piece)
            else:
                session.print.out.write(piece.decode())
        return
    part = Path(f"{file}.part")
    try:
        with part.open("wb") as kept:
            size = kept.write(first) + sum(kept.write(piece) for piece in pieces)
        part.replace(file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from error
    session.print.done(f"{plain(file)}: {size:,} bytes.", f"im audit verify {plain(file)}")
