"""`im watch`: the open incidents as they are now, in the terminal; or a line for each thing that happens."""

from __future__ import annotations

import json
import os
import queue
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.printing import STYLES, Column
from tocsin.cli.watching import Board, Feed, News, cells, maker
from tocsin.cli.wording import both_severities, clock_ms, incident_name, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.shapes import Incident, TimelineLine

app = typer.Typer()

_COLUMNS = (
    Column("INCIDENT"), Column("SEVERITY", styled=True), Column("STATE", styled=True), Column("AGE", right=True), Column("SERVICES"),
    Column("TITLE", flex=True), Column("WHO"),
)  # fmt: skip
_TSV = ("AT", "INCIDENT", "SEVERITY", "STATUS", "WAS", "TITLE")


@command(
    app,
    "watch",
    example="im watch\nim watch INC-7          # until it is resolved\nim watch --plain | tee night.log",
)
def watch(
    session: Session,
    incident: Annotated[
        str, typer.Argument(metavar="[INCIDENT]", help="This one alone, step by step, until it is resolved.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="Print one frame and end.")] = False,
    plain_: Annotated[
        bool, typer.Option("--plain", help="One line for each thing that happens; so too without a terminal.")
    ] = False,
) -> None:
    """Watch the open incidents, live, and acknowledge them.

    Keys: j k move, Enter shows, a acknowledges, r resolves, e escalates, ? helps, q quits. A connection that is lost is shown,
    and how old the picture is; a new critical incident rings the bell.
    """
    name = incident_name(incident) if incident else ""
    if once:
        _frame(session, name)
    elif (
        name
        or plain_
        or not session.print.tty
        or os.environ.get("TERM") == "dumb"
        or not session.print.err.isatty()
        or session.print.structured
    ):
        _lines(session, name)
    else:
        if not session.stdin.isatty():
            raise Usage(
                "there is no keyboard to watch with",
                hint="im watch --plain prints a line for each thing that happens",
            )
        from tocsin.cli.board import run

        run(session)


def _frame(session: Session, name: str) -> None:
    board, now = Board(only=name), session.clock()
    board.all_of([session.client.incident(name)] if name else _all(session), now)
    rows = board.rows()
    if session.print.data({"items": [one.raw for one in rows]}):
        return
    if session.print.format != "tsv":
        session.print.line(board.head(now)[0].removesuffix("   live"))
    session.print.rows(_COLUMNS, rows, lambda one: cells(one, now), none="Nothing is open.")


def _all(session: Session) -> list[Incident]:
    found: list[Incident] = []
    cursor = ""
    while True:
        page = session.client.incidents(limit=500, cursor=cursor)
        found += page.items
        if not page.next_cursor or page.next_cursor == cursor:
            return found
        cursor = page.next_cursor


def _lines(session: Session, name: str) -> None:
    """A line for each thing that happens; with a name until that incident is over."""
    if name:
        session.client.incident(name)  # there is none: said at once
    happened: queue.Queue[tuple[str, object]] = queue.Queue()
    feed = Feed(maker(session), lambda what, data: happened.put((what, data)), only=name)
    teller = _Teller(session, name)
    feed.start()
    try:
        while not teller.over:
            try:
                what, data = happened.get(timeout=0.5)
            except queue.Empty:
                continue
            teller.hear(what, data)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        feed.stop()


class _Teller:
    """Prints what happens."""

    def __init__(self, session: Session, only: str) -> None:
        self._session, self._only = session, only
        self._board = Board(only=only)
        self._steps: set[int] = set()
        self.over = False
        if session.print.format == "tsv":
            session.print.line("\t".join(_TSV))

    def hear(self, what: str, data: object) -> None:
        now, board = self._session.clock(), self._board
        if what == "lost":
            if board.lost_since is None:
                self._session.print.say(f"Not connected: {data}; trying again …", "yellow")
            board.lost(str(data), now)
            return
        if board.lost_since is not None:
            self._session.print.say("Connected again.", "dim")
        if what == "all":
            for news in board.all_of(cast("list[Incident]", data), now):
                self._tell(news)
        elif what == "one" and (found := board.one(cast("Incident", data), now)):
            self._tell(found)
        elif what == "line" and self._only:
            self._step(cast("TimelineLine", data))
        else:
            board.heard(now)
        self._session.print.out.flush()

    def _tell(self, news: News) -> None:
        out, one = self._session.print, news.incident
        at = one.updated_at or one.opened_at or self._session.clock()
        if out.structured:
            out.out.write(
                json.dumps(
                    {"was": news.was or None, "rings": news.rings, "incident": one.raw}, ensure_ascii=False
                )
                + "\n"
            )
        elif out.format == "tsv":
            out.line(
                "\t".join(
                    plain(c) for c in (rfc3339(at), one.name, one.severity, one.status, news.was, one.title)
                )
            )
        else:
            who = (
                one.acknowledged_by
                if one.status == "mitigated"
                else one.resolved_by
                if one.status == "resolved"
                else ""
            )
            state = f"{one.status_shown or one.status}{f' by {plain(who)}' if who else ''}"
            head = f"{clock_ms(at, utc=self._session.utc)[:8]}  {one.name:<8}  "
            pieces = [(head, ""), (f"{both_severities(one.severity)}  ", STYLES.get(one.severity, ""))]
            out.hanging(
                [*pieces, (f"{state}  ", STYLES.get(one.status_shown, "")), (plain(one.title), "")], len(head)
            )
        if news.rings and out.tty:
            out.out.write("\a")
        self.over = bool(self._only) and one.status in ("resolved", "closed")

    def _step(self, line: TimelineLine) -> None:
        if line.incident != self._only or line.id in self._steps or self._session.print.format == "tsv":
            return
        self._steps.add(line.id)
        out = self._session.print
        if out.structured:
            out.out.write(json.dumps({"line": line.raw}, ensure_ascii=False) + "\n")
        elif line.at is not None:
            who = f"{plain(line.actor)}: " if line.actor else ""
            out.hanging(
                [
                    (f"{clock_ms(line.at, utc=self._session.utc)[:8]}    ", "dim"),
                    (f"{who}{plain(line.text)}", ""),
                ],
                12,
            )
