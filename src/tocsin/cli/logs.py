"""What did the hub's nodes say of their work? `im logs`: the newest lines, and those that come."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.wording import clock_ms, duration_from, incident_name, moment, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.errors import ClientError
    from tocsin.client.logs import LogLine, LogPage

app = typer.Typer()

_LEVELS = ("debug", "info", "warning", "error")
_STYLES = {"warning": "yellow", "error": "bold red", "debug": "dim"}
_TSV = ("AT", "LEVEL", "COMPONENT", "CONNECTOR", "INCIDENT", "EVENT", "TEXT", "NODE")
_LONG = (
    "body",
    "headers",
    "request_headers",
    "response_headers",
    "request_body",
    "response_body",
    "exception",
)
_ASIDE = (*_LONG, "hook", "type", "bytes", "user_agent", "result", "event_type", "step", "kind", "calls")
_MOST_AT_ONCE, _WAIT = 500, 20.0
_AGAIN_SECONDS = (0.5, 1.0, 2.0, 5.0)


@command(
    app,
    "logs",
    example="im logs --component webhook --filter pagerduty\nim logs -f --level warning\nim logs --incident INC-7 --since 2h",
)
def logs(
    session: Session,
    component: Annotated[
        str,
        typer.Option(
            "--component",
            "-c",
            metavar="NAME",
            help="webhook, delivery, sync, intake, decision, config, api, database or hub.",
        ),
    ] = "",
    filter: Annotated[
        str,
        typer.Option("--filter", metavar="TEXT", help="Lines with this text: a connector, its type, an id."),
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines come, until Ctrl-C.")
    ] = False,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="15m, 2h, 3d, or a time like 2026-11-20T02:00Z.")
    ] = "",
    level: Annotated[
        str, typer.Option("--level", metavar="LEVEL", help="This one and worse: debug, info, warning, error.")
    ] = "",
    incident: Annotated[
        str, typer.Option("--incident", metavar="INC", help="Lines about this incident.")
    ] = "",
    connector: Annotated[
        str, typer.Option("--connector", metavar="NAME", help="Lines about this connector alone.")
    ] = "",
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=10_000, help="How many at most; with --since 1000.")
    ] = 0,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line.")] = False,
) -> None:
    """Show what the server's nodes said of their work.

    The newest last. `--component webhook` has each webhook that came, what it was found to be and what followed.
    A line is there a second after it was said; credentials are in none.
    """
    asked: dict[str, Any] = {
        "component": component,
        "filter": filter,
        "connector": connector,
        "incident": incident_name(incident) if incident else "",
        "level": _level(level),
    }
    show = _Lines(session, jsonl=jsonl or (follow and session.print.structured))
    most = lines or (1_000 if since else 10 if follow else 100)
    first = session.client.logs(**asked, since=_since(since, session.clock()), limit=min(most, _MOST_AT_ONCE))
    found = _enough(session, first, {**asked, "since": _since(since, session.clock())}, most)
    show.begin(found, first, none="" if follow else "No such line was kept.")
    if follow:
        _follow(session, first.after, asked, show)


def _level(text: str) -> str:
    word = {"warn": "warning", "err": "error"}.get(text.strip().lower(), text.strip().lower())
    if word and word not in _LEVELS:
        raise Usage(f"--level {text!r} is none of {', '.join(_LEVELS)}")
    return word


def _since(text: str, now: datetime) -> str:
    """The instant, as the API reads it."""
    if not text:
        return ""
    if text[:4].isdigit() and "-" in text:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise Usage(f"--since {text!r} is no time", hint="use 15m, 2h, 3d or 2026-11-20T02:00Z") from None
        return rfc3339(at if at.tzinfo else at.astimezone())
    return rfc3339(now - duration_from(text))


def _enough(session: Session, first: LogPage, asked: dict[str, Any], most: int) -> list[LogLine]:
    """At most so many lines, the oldest first."""
    found, page = list(first.items), first
    while page.next_cursor and len(found) < most:
        page = session.client.logs(
            **asked, limit=min(most - len(found), _MOST_AT_ONCE), cursor=page.next_cursor
        )
        found += page.items
    return found[:most][::-1]


def _follow(session: Session, after: str, asked: dict[str, Any], show: _Lines) -> None:
    """Ask for what comes next, again and again; a server that is away for a while is waited for."""
    import time

    from tocsin.client.errors import ServerFault, TimedOut, Unreachable

    tries, session.timeout = 0, max(session.timeout, _WAIT + 10)
    session.fresh()
    try:
        while True:
            try:
                page = session.client.logs(**asked, after=after, wait=_WAIT, limit=_MOST_AT_ONCE)
            except (Unreachable, TimedOut, ServerFault) as error:
                if not tries:
                    _lost(session, error)
                time.sleep(_AGAIN_SECONDS[min(tries, len(_AGAIN_SECONDS) - 1)])
                tries += 1
                continue
            if tries:
                session.print.say("Connected again; nothing was missed.", "dim")
            tries, after = 0, page.after
            show.more(page)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _lost(session: Session, error: ClientError) -> None:
    session.print.say(f"The server cannot be asked ({error}); trying again …", "yellow")


class _Lines:
    """Prints lines, in their order."""

    def __init__(self, session: Session, *, jsonl: bool) -> None:
        self._session, self._jsonl = session, jsonl
        self._memory_only = False

    def begin(self, found: list[LogLine], page: LogPage, *, none: str) -> None:
        out = self._session.print
        self._warn(page)
        if out.structured and not self._jsonl:
            out.data(
                {"items": [line.raw for line in found], "after": page.after, "memory_only": page.memory_only}
            )
            return
        if out.format == "tsv" and not self._jsonl:
            out.line("\t".join(_TSV))
        self._print(found)
        if not found and none:
            out.say(none)

    def more(self, page: LogPage) -> None:
        self._warn(page)
        self._print(page.items)

    def _warn(self, page: LogPage) -> None:
        if page.memory_only and not self._memory_only:
            self._session.print.say(
                "The server's database is away: only what this node remembers is shown.", "yellow"
            )
        self._memory_only = page.memory_only

    def _print(self, lines: Any) -> None:
        for line in lines:
            self._one(line)
        self._session.print.out.flush()

    def _one(self, line: LogLine) -> None:
        out = self._session.print
        if self._jsonl:
            out.out.write(json.dumps(line.raw, ensure_ascii=False) + "\n")
        elif out.format == "tsv":
            cells = (
                rfc3339(line.at),
                line.level,
                line.component,
                line.connector,
                line.incident,
                line.event,
                line.text,
                line.node,
            )
            out.line("\t".join(plain(cell) for cell in cells))
        else:
            self._for_people(line)

    def _for_people(self, line: LogLine) -> None:
        out, wide = self._session.print, self._session.print.format == "wide"
        at = line.at
        when = "" if at is None else clock_ms(at, utc=self._session.utc)
        if at is not None and (self._session.clock() - at).total_seconds() > 12 * 3600:
            when = f"{moment(at, utc=self._session.utc)[:10]} {when}"
        word = "" if line.level == "info" else f"{line.level.upper()} "
        about = " ".join(f"{key}={plain(value)}" for key, value in self._facts(line, wide))
        head = f"{when}  {line.component:<9}"
        out.hanging(
            [
                (f"{head}", "dim"),
                (word, _STYLES.get(line.level, "")),
                (plain(line.text), ""),
                (f"  {about}" if about else "", "dim"),
            ],
            len(head),
        )
        for key in _LONG:
            if value := line.data.get(key):
                for part in _text_of(value).splitlines():
                    out.line(f"    {key}: {plain(part)}", "dim")

    def _facts(self, line: LogLine, wide: bool) -> list[tuple[str, object]]:
        shown: Callable[[str], bool] = (
            (lambda key: key not in _LONG) if wide else (lambda key: key not in _ASIDE)
        )
        facts = [
            (key, value) for key, value in line.data.items() if shown(key) and value not in ("", None, [], {})
        ]
        named = [("incident", line.incident)] if line.incident and line.incident not in line.text else []
        named += [("connector", line.connector)] if line.connector and line.connector not in line.text else []
        return [*named, *facts, *([("node", line.node)] if wide else [])]


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
