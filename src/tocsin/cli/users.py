"""Who is there, and what may they? The users of the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.printing import Column
from tocsin.cli.wording import plain

if TYPE_CHECKING:
    from tocsin.client.access import User

app = typer.Typer(
    name="user",
    help="Look at users and invite them: list, show, invite.",
    cls=ExampleFirstGroup,
    epilog="im user list\nim user invite bo",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's id in the configuration.")]
_COLUMNS = (
    Column("USER"),
    Column("NAME", flex=True),
    Column("EMAIL", flex=True),
    Column("ROLE"),
    Column("TEAMS", flex=True),
)


@app.callback()
def user() -> None:
    """Look at users and invite them: list, show, invite."""


@command(app, "list", example="im user list")
def list_users(session: Session) -> None:
    """List the users of the configuration with their roles."""
    page = session.client.users()
    if not session.print.data(page.raw):
        session.print.rows(
            _COLUMNS, page.items, _row, none="No users: the section `users` of the configuration names them."
        )


def _row(one: User) -> list[object]:
    return [one.id, one.shown, one.email, one.role, ", ".join(one.teams) or "all"]


@command(app, "show", example="im user show bo")
def show(session: Session, name: Name) -> None:
    """Show one user: role, and the teams that they act for."""
    one = session.client.user(name)
    if not session.print.data(one.raw):
        session.print.fields([
            ("User", one.id), ("Name", one.shown), ("Email", one.email), ("Role", one.role),
            ("Teams", ", ".join(one.teams) or "all"),
        ])  # fmt: skip


@command(app, "invite", example="im user invite bo")
def invite(session: Session, name: Name) -> None:
    """Make a link that signs a user in, once, within a day: what they do is known as theirs.

    Give it to nobody else; on a pipe the address alone is printed.
    """
    link = session.client.session_link(user=name)
    if session.print.data({"user": name, "url": link}):
        return
    session.print.line(plain(link))
    session.print.say(
        f"It signs {plain(name)} in, once, within a day. What they may: im user show {plain(name)}", "dim"
    )
