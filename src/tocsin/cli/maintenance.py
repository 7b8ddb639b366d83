"""When is what worked on? Maintenance windows are listed, made and ended here."""

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
    Owner,
    Preview,
    Start,
    Timezone,
    When,
    Why,
)

app = typer.Typer(
    name="maintenance",
    help="Plan maintenance windows: add, list, show, end.",
    cls=ExampleFirstGroup,
    epilog='im maintenance add backup service=database --every "sun 02:00-04:00" --timezone Europe/London --comment "nightly backup"\n'
    "im maintenance list",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)
_ALL = Mutes("maintenance", "maintenance")


@app.callback()
def maintenance() -> None:
    """Plan maintenance windows: add, list, show, end."""


@command(
    app, "add",
    example='im maintenance add backup service=database --every "sun 02:00-04:00" --timezone Europe/London --except critical --comment "nightly backup"\n'
    'im maintenance add move service=web --start 2026-12-24T18:00Z --for 4h --comment "new racks"',
)  # fmt: skip
def add(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
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
    owner: Owner = "",
    comment: Why = "",
    preview: Preview = False,
) -> None:  # fmt: skip
    """Plan a window, once or each week; what it covers is quiet in it."""
    _ALL.add(
        session, match or [], preview=preview, when=when, length=for_, end=until, start=start, every=every or [],
        timezone=timezone, excepted=except_ or [], everything=everything, name=name, owner=owner, comment=comment,
    )  # fmt: skip


@command(app, "list", example="im maintenance list")
def list_windows(
    session: Session,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
) -> None:
    """List the windows of the configuration and those made by hand."""
    _ALL.list(session, everything=all_)


@command(app, "show", example="im maintenance show backup")
def show(
    session: Session, window: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the name of one of the configuration.")]
) -> None:  # fmt: skip
    """Show one window."""
    _ALL.show(session, window)


@command(app, "end", example="im maintenance end 0199a1b2-…")
def end(session: Session, window: Annotated[str, typer.Argument(metavar="ID", help="Its id.")]) -> None:
    """End a window made by hand, now and for good: what still fires is paged."""
    _ALL.end(session, window)
