"""Who may call the API? Tokens are listed, created and revoked here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.printing import Column
from tocsin.cli.wording import duration_from, moment, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.access import Token

app = typer.Typer(
    name="token",
    help="Manage API tokens: list, show, create, rotate, revoke.",
    cls=ExampleFirstGroup,
    epilog="im token create deploys --role responder --team payments --expires 90d\nim token create cron-db1 --scope intake\nim token list",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)
SCOPES = ("read", "write", "admin", "intake")
ROLES = ("viewer", "responder", "manager", "admin")
Id = Annotated[str, typer.Argument(metavar="ID", help="The token's id; im token list shows it.")]


@app.callback()
def token() -> None:
    """Manage API tokens: list, show, create, rotate, revoke."""


_COLUMNS = (
    Column("ID"),
    Column("NAME", flex=True),
    Column("MAY", flex=True),
    Column("TEAMS", wide=True),
    Column("USER", wide=True),
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


def _may(one: Token) -> str:
    return one.role or ",".join(one.scopes)


def _row(one: Token, session: Session) -> list[object]:
    def at(when: object) -> str:
        from datetime import datetime

        if not isinstance(when, datetime):
            return ""
        return rfc3339(when) if session.print.format == "tsv" else moment(when, utc=session.utc)

    return [
        one.id,
        one.name,
        _may(one),
        ",".join(one.teams),
        one.user,
        at(one.created_at),
        at(one.expires_at),
        at(one.last_used_at),
    ]


@command(app, "show", example="im token show 4f0c2d1e-…")
def show(session: Session, token_id: Id) -> None:
    """Show one API token, without its secret: what it may, for whom, until when, when it was used last."""
    one = session.client.token(token_id)
    if session.print.data(one.raw):
        return
    at = [
        moment(when, utc=session.utc) if when else ""
        for when in (one.created_at, one.expires_at, one.last_used_at, one.revoked_at)
    ]
    session.print.fields([
        ("Token", one.name), ("Id", one.id), ("May", _may(one)), ("Teams", ", ".join(one.teams) or "all"), ("User", one.user),
        ("Created", at[0]), ("By", one.made_by), ("Expires", at[1] or "never"), ("Last used", at[2] or "never"), ("Revoked", at[3]),
    ])  # fmt: skip


@command(
    app,
    "create",
    example="im token create deploys --role responder --team payments --expires 90d\nim token create cron-db1 --scope intake",
)
def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help=f"{', '.join(ROLES)}.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", metavar="SCOPE", help=f"In place of a role: {', '.join(SCOPES)}; several with commas or repeated."
        ),
    ] = None,
    team: Annotated[
        list[str] | None, typer.Option("--team", metavar="TEAM", help="It acts for this team alone; several are possible.")
    ] = None,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Whose it is; it may what they may.")] = "",
    expires: Annotated[
        str, typer.Option("--expires", "--expires-in", metavar="TIME", help="30d, 12h …; without it never.")
    ] = "",
) -> None:  # fmt: skip
    """Create an API token; it is shown once.

    On a pipe the token alone is printed: IM_TOKEN=$(im token create …).
    """
    scopes, teams = _words(scope), _words(team)
    if unknown := [word for word in scopes if word not in SCOPES]:
        raise Usage(f"{', '.join(unknown)} is not a scope", hint=f"use {', '.join(SCOPES)}")
    if role and role not in ROLES:
        raise Usage(f"{role} is not a role", hint=f"use {', '.join(ROLES)}")
    if not (role or scopes or user):
        raise Usage("--role is missing", hint=f"--role {'|'.join(ROLES)}, or --user NAME, or --scope")
    ends = rfc3339(session.clock() + duration_from(expires)) if expires else ""
    _once(
        session, session.client.create_token(name, scopes, role=role, teams=teams, user=user, expires_at=ends)
    )


def _words(given: list[str] | None) -> list[str]:
    return list(dict.fromkeys(word.strip() for one in given or () for word in one.split(",") if word.strip()))


def _once(session: Session, made: Token) -> None:
    """Say what a token may, and the token, which is shown only now."""
    if session.print.data(made.raw):
        return
    if session.print.format == "tsv":
        session.print.line(made.token)
        return
    until = f" until {moment(made.expires_at, utc=session.utc)}" if made.expires_at else ""
    what = f"is {made.role}" if made.role else f"may {', '.join(made.scopes)}"
    teams = f" for {', '.join(made.teams)}" if made.teams else ""
    session.print.line(plain(f"Token {made.name} ({made.id}) {what}{teams}{until}. It is shown only now:"))
    session.print.line(made.token, "bold")
    session.print.say(f"Next: IM_TOKEN=… im version   (to take it back: im token revoke {made.id})", "dim")


@command(app, "rotate", example="im token rotate 4f0c2d1e-…")
def rotate(session: Session, token_id: Id) -> None:
    """Give an API token a new secret, shown once; the old one is useless at once.

    On a pipe the token alone is printed.
    """
    _once(session, session.client.rotate_token(token_id))


@command(app, "revoke", example="im token revoke 4f0c2d1e-…")
def revoke(session: Session, token_id: Id) -> None:
    """Revoke an API token: it is useless at once."""
    session.client.revoke_token(token_id)
    if not session.print.data({"id": token_id, "revoked": True}):
        session.print.done(f"Token {plain(token_id)} is revoked.", "im token list")
