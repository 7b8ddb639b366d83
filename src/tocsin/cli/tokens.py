"""Who may call the API? Tokens are listed, created and revoked here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.printing import Column
from tocsin.cli.wording import duration_from, moment, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.shapes import Token

app = typer.Typer(
    name="token",
    help="Manage API tokens: list, create, revoke.",
    cls=ExampleFirstGroup,
    epilog="im token create cron-db1 --scope intake\nim token list",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)
SCOPES = ("read", "write", "admin", "intake")


@app.callback()
def token() -> None:
    """Manage API tokens: list, create, revoke."""


_COLUMNS = (
    Column("ID"),
    Column("NAME", flex=True),
    Column("SCOPES"),
    Column("CREATED"),
    Column("EXPIRES"),
    Column("LAST USED"),
)


@command(app, "list", example="im token list")
def list_tokens(session: Session) -> None:
    """List the API tokens, without their secrets."""
    page = session.client.tokens()
    if not session.print.data(page.raw):
        session.print.rows(_COLUMNS, page.items, lambda one: _row(one, session), none="No tokens.")


def _row(one: Token, session: Session) -> list[object]:
    def at(when: object) -> str:
        from datetime import datetime

        if not isinstance(when, datetime):
            return ""
        return rfc3339(when) if session.print.format == "tsv" else moment(when, utc=session.utc)

    return [
        one.id,
        one.name,
        ",".join(one.scopes),
        at(one.created_at),
        at(one.expires_at),
        at(one.last_used_at),
    ]


@command(app, "create", example="im token create cron-db1 --scope intake --expires-in 90d")
def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it.")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope", metavar="SCOPE", help=f"{', '.join(SCOPES)}; several with commas or repeated."
        ),
    ],
    expires_in: Annotated[
        str, typer.Option("--expires-in", metavar="TIME", help="30d, 12h …; without it never.")
    ] = "",
) -> None:
    """Create an API token; it is shown once.

    On a pipe the token alone is printed: IM_TOKEN=$(im token create …).
    """
    scopes = list(dict.fromkeys(word.strip() for one in scope for word in one.split(",") if word.strip()))
    if unknown := [word for word in scopes if word not in SCOPES]:
        raise Usage(f"{', '.join(unknown)} is not a scope", hint=f"use {', '.join(SCOPES)}")
    ends = rfc3339(session.clock() + duration_from(expires_in)) if expires_in else ""
    made = session.client.create_token(name, scopes, expires_at=ends)
    if session.print.data(made.raw):
        return
    if session.print.format == "tsv":
        session.print.line(made.token)
        return
    until = f" until {moment(made.expires_at, utc=session.utc)}" if made.expires_at else ""
    session.print.line(
        plain(f"Token {made.name} ({made.id}) may {', '.join(made.scopes)}{until}. It is shown only now:")
    )
    session.print.line(made.token, "bold")
    session.print.say(f"Next: IM_TOKEN=… im version   (to take it back: im token revoke {made.id})", "dim")


@command(app, "revoke", example="im token revoke 4f0c2d1e-…")
def revoke(
    session: Session,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id; im token list shows it.")],
) -> None:
    """Revoke an API token: it is useless at once."""
    session.client.revoke_token(token_id)
    if not session.print.data({"id": token_id, "revoked": True}):
        session.print.done(f"Token {plain(token_id)} is revoked.", "im token list")
