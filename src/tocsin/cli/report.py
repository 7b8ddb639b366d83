"""What happened in a time, to hand on: a document, a page, rows, or the figures?"""

from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Failure, Usage

if TYPE_CHECKING:
    from tocsin.client.transport import Answer

app = typer.Typer()

FORMS = ("pdf", "html", "json", "csv")
_PATIENCE = 180.0
_PLAIN_EVERY = 5.0


@command(
    app, "report",
    example="im report --start 2026-11-01 --end 2026-11-30 --include-pagerduty\n"
    "im report --start 2026-11-01 --end 2026-11-30 --team payments --format csv > november.csv",
)  # fmt: skip
def report(
    session: Session,
    start: Annotated[str, typer.Option("--start", metavar="DAY", help="The first day, 2026-11-01. Default: 30 days before the end.")] = "",
    end: Annotated[str, typer.Option("--end", metavar="DAY", help="The last day, included. Default: today.")] = "",
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="pdf, html, json or csv.")] = "pdf",
    file: Annotated[
        str, typer.Option("--output-file", "-O", metavar="FILE", help="Where it goes; - = stdout. Default: a file with a telling name; stdout for json and csv.")
    ] = "",
    providers: Annotated[
        bool, typer.Option("--include-providers", "--include-pagerduty", help="Read the providers' own logs too, for the times of both sides.")
    ] = False,
    service: Annotated[str, typer.Option("--service", "-s", help="Of this service alone.")] = "",
    team: Annotated[str, typer.Option(help="Of this team alone.")] = "",
    timezone: Annotated[
        str, typer.Option("--timezone", metavar="ZONE", help="By whose clock: Europe/Berlin. Default: this machine's.")
    ] = "",
) -> None:  # fmt: skip
    """Report on the incidents opened in a time.

    Figures, charts, times of both sides, promises kept, what it cost people, and the timelines of what was worst.
    """
    if form not in FORMS:
        raise Usage(f"--format {form!r} is none of {', '.join(FORMS)}")
    asked = {"start": start, "end": end, "service": service, "team": team, "include_providers": providers}
    zone = timezone or ("UTC" if session.utc else own_zone(os.environ))
    session.timeout = max(session.timeout, _PATIENCE)
    answer = _waited_for(session, form, {**asked, "timezone": zone})
    where = file or ("-" if form in ("json", "csv") else _named(answer, form))
    if where == "-":
        _to_stdout(session, answer.body)
        return
    try:
        Path(where).write_bytes(answer.body)
    except OSError as fault:
        raise Failure(
            f"{where} cannot be written: {fault.strerror}", hint="name another file with -O"
        ) from fault
    size = len(answer.body)
    session.print.done(f"{where} ({size // 1024} KiB, times in {zone})", f"xdg-open {where}")


def own_zone(environ: Any) -> str:
    """The name of this machine's time zone; UTC when it has none that can be told."""
    named = str(environ.get("TZ", "")).lstrip(":")
    if "/" in named and not named.startswith("/"):
        return named
    if named:
        return "UTC"
    try:
        place = os.readlink("/etc/localtime")
    except OSError:
        return "UTC"
    found = place.partition("zoneinfo/")[2]
    return found or "UTC"


def _named(answer: Answer, form: str) -> str:
    """By the server's own word, with nothing in it that leads elsewhere."""
    said = answer.headers.get("content-disposition", "").partition('filename="')[2].partition('"')[0]
    return Path(said).name or f"incidents.{form}"


def _to_stdout(session: Session, body: bytes) -> None:
    raw = getattr(sys.stdout, "buffer", None)
    if raw is not None:
        session.print.out.flush()
        raw.write(body)
        raw.flush()
    else:
        session.print.out.write(body.decode("utf-8", "replace"))


def _waited_for(session: Session, form: str, asked: dict[str, Any]) -> Answer:
    """The answer; meanwhile stderr says that it is being made: a bar on a terminal, else a line every five seconds."""
    found: list[Answer] = []
    failed: list[BaseException] = []
    client = session.client

    def work() -> None:
        try:
            found.append(client.report_as(form, **asked))
        except BaseException as fault:  # noqa: BLE001 - told by the thread that waits
            failed.append(fault)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    words = "Making the report" + (" and reading the providers' logs" if asked["include_providers"] else "")
    if session.print.err.isatty():
        _bar(session, thread, words)
    else:
        spent = timedelta(0)
        while thread.is_alive():
            thread.join(_PLAIN_EVERY)
            if thread.is_alive():
                spent += timedelta(seconds=_PLAIN_EVERY)
                session.print.say(f"{words} … {int(spent.total_seconds())} s")
    if failed:
        raise failed[0]
    return found[0]


def _bar(session: Session, thread: threading.Thread, words: str) -> None:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(pulse_style="cyan"), TimeElapsedColumn())
    with Progress(*columns, console=session.print.console("err"), transient=True) as progress:
        progress.add_task(words, total=None)
        while thread.is_alive():
            thread.join(0.1)
