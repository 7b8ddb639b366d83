"""Does a page get through? Send one that wakes nobody, and see it created at each connector."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import CheckFailed
from tocsin.cli.printing import Column
from tocsin.cli.wording import rfc3339, span_ms

if TYPE_CHECKING:
    from tocsin.client.states import Canary, Sung

app = typer.Typer()
_LOOK_SECONDS, _LOOKS = 1.0, 150
_COLUMNS = (
    Column("CONNECTOR"),
    Column("CREATED"),
    Column("AFTER", right=True),
    Column("NOTIFIED"),
    Column("FAULT", flex=True),
)


@command(app, "canary", example="im canary --connector ops-mail")
def canary(
    session: Session,
    connector: Annotated[
        list[str] | None,
        typer.Option(
            "--connector",
            metavar="NAME",
            help="Try this one; several by repeating it. Without it: those of the schedule, else all.",
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Until it has ended, two minutes at most.")
    ] = True,
) -> None:
    """Send a low page that goes the whole way to each connector, and ends by itself.

    Exit code 8 when one did not create it.
    """
    sent = session.client.canary(connector or [])
    run = _ended(session, sent) if wait else sent
    if session.print.data(run.raw):
        pass
    elif run.ended_at is None:
        session.print.done(f"Sent to {', '.join(run.connectors)}.", "im status")
    else:
        session.print.rows(_COLUMNS, list(run.results), _row, none="")
    missing = [one.connector for one in run.results if not one.created]
    if missing:
        raise CheckFailed(f"not created at {', '.join(missing)}")


def _ended(session: Session, sent: Canary) -> Canary:
    """That canary once it has ended; as it was sent when it does not."""
    for _ in range(_LOOKS):
        found = session.client.health().canary
        if found is not None and found.id == sent.id and found.ended_at is not None:
            return found
        time.sleep(_LOOK_SECONDS)
    return sent


def _row(one: Sung) -> list[object]:
    took = (one.created_at - one.asked_at).total_seconds() * 1000 if one.created_at and one.asked_at else None
    return [
        one.connector, "yes" if one.created else "no", "" if took is None else span_ms(took),
        rfc3339(one.notified_at) if one.notified_at else "", one.fault,
    ]  # fmt: skip
