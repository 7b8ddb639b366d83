"""What is quiet on purpose, and for how long? Silences are made, listed and ended here."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.quieting import (
    End,
    Every,
    Everything,
    Except,
    For,
    Mutes,
    Name,
    Owner,
    Preview,
    Start,
    Timezone,
    When,
    Why,
)

app = typer.Typer(
    name="silence",
    help="Keep alerts quiet for a time: add, list, show, expire.",
    cls=ExampleFirstGroup,
    epilog='im silence add service=database --for 2h --comment "index is rebuilt"\nim silence list',
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)
_ALL = Mutes("silences", "silence")


@app.callback()
def silence() -> None:
    """Keep alerts quiet for a time: add, list, show, expire."""


@command(
    app, "add",
    example='im silence add service=database alertname=Lag --for 2h --comment "index is rebuilt"\n'
    'im silence add --when \'alert.title.contains("disk")\' --until 2026-12-24T18:00Z --comment "new disks" --preview',
)  # fmt: skip
def add(
    session: Session,
    match: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What must be equal: service, source, severity … or a label.")
    ] = None,
    when: When = "",
    for_: For = "",
    until: End = "",
    start: Start = "",
    every: Every = None,
    timezone: Timezone = "UTC",
    except_: Except = None,
    everything: Everything = False,
    name: Name = "",
    owner: Owner = "",
    comment: Why = "",
    preview: Preview = False,
) -> None:  # fmt: skip
    """Keep what it covers quiet, from now or later.

    A silence stops pages, never state: alerts count and resolve, and each shows whom it would have paged.
    What still fires at its end is paged then.
    """
    _ALL.add(
        session, match or [], preview=preview, when=when, length=for_, end=until, start=start, every=every or [],
        timezone=timezone, excepted=except_ or [], everything=everything, name=name, owner=owner, comment=comment,
    )  # fmt: skip


@command(app, "list", example="im silence list --all")
def list_silences(
    session: Session,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
) -> None:
    """List the silences that mute now, or will."""
    _ALL.list(session, everything=all_)


@command(app, "show", example="im silence show 0199a1b2-…")
def show(session: Session, silence: Annotated[str, typer.Argument(metavar="ID", help="Its id.")]) -> None:
    """Show one silence."""
    _ALL.show(session, silence)


@command(app, "expire", example="im silence expire 0199a1b2-…")
def expire(session: Session, silence: Annotated[str, typer.Argument(metavar="ID", help="Its id.")]) -> None:
    """End a silence now: what still fires is paged."""
    _ALL.end(session, silence)
