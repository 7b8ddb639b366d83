"""Servers by name: add, list, use, show, remove."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.contexts import Context, Contexts, check_name, read_contexts
from tocsin.cli.failures import Failure, Usage
from tocsin.cli.places import address_of, sendable
from tocsin.cli.printing import Column

app = typer.Typer(
    name="context",
    help="Servers by name: list, use, add, show, remove.",
    cls=ExampleFirstGroup,
    epilog="im context add prod --server https://hub.example.com --use\nim context list\nim --help     # --context NAME is an option of every command",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)

_COLUMNS = (Column("CURRENT"), Column("CONTEXT"), Column("SERVER", flex=True), Column("TOKEN"))


@app.callback()
def context() -> None:
    """Servers by name: list, use, add, show, remove."""


_Name = Annotated[str, typer.Argument(metavar="CONTEXT", help="The name.")]


def _raw(one: Context, known: Contexts) -> dict[str, Any]:
    return {"name": one.name, "url": one.url, "current": one.name == known.current, "token": bool(one.token)}


@command(app, "list", example="im context list")
def list_contexts(session: Session) -> None:
    """List the servers that have a name here."""
    known = read_contexts(os.environ)
    found = [known.named(name) for name in known.known]
    if not session.print.data({"items": [_raw(one, known) for one in found]}):
        session.print.rows(
            _COLUMNS, found, lambda one: ["*" if one.name == known.current else "", one.name, one.url, "yes" if one.token else "no"],
            none="No context is known: im context add NAME --server URL",
        )  # fmt: skip


@command(app, "show", example="im context show")
def show(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="CONTEXT", help="Else the one in force.")] = "",
) -> None:
    """Show one context, or which server is asked now and why."""
    known = read_contexts(os.environ)
    if name:
        one = known.named(name)
        if not session.print.data(_raw(one, known)):
            session.print.fields(
                [("Context", one.name), ("Server", one.url), ("Token", "kept" if one.token else "none")]
            )
        return
    places = session.places
    raw = {
        "context": places.context or None,
        "url": places.url,
        "url_from": places.url_from,
        "token_from": places.token_from or None,
    }
    if not session.print.data(raw):
        session.print.fields(
            [
                ("Context", places.context),
                ("Server", f"{places.url} ({places.url_from})"),
                ("Token", places.token_from or "none"),
            ]
        )


@command(app, "use", example="im context use prod")
def use(session: Session, name: _Name) -> None:
    """Ask this server from now on, unless told otherwise."""
    known = read_contexts(os.environ)
    one = known.named(name)
    known.current = name
    known.save()
    session.print.done(f"{name} is used from now on ({one.url}).", "im status")


@command(
    app,
    "add",
    example="im context add prod --server https://hub.example.com --use\nim context add lab --server lab:8000 --token-file lab.token",
)
def add(
    session: Session,
    name: _Name,
    server: Annotated[str, typer.Option("--server", metavar="URL", help="Its address.")],
    use: Annotated[bool, typer.Option("--use", help="And ask it from now on.")] = False,
) -> None:
    """Give a server a name, or change its address or token.

    The token comes from --token-file, else from the standard input when that is no terminal, else it is asked for, hidden; an
    empty one leaves what there was. It is stored for this user alone.
    """
    check_name(name)
    url = address_of(server)
    known = read_contexts(os.environ)
    token = _token(session)
    known.known[name] = url
    known.current = name if use or not known.current else known.current
    known.save()
    if token:
        known.keep_token(name, token)
    kept = known.named(name).token
    session.print.done(
        f"{name} is {url}{', with a token' if kept else ', without a token'}{', and is used from now on' if known.current == name else ''}.",
        f"im --help; im status --context {name}",
    )


def _token(session: Session) -> str:
    if session.token_file:
        return sendable(session.places.token, session.token_file)
    if not session.stdin.isatty():
        given = "" if _nothing_there() else session.stdin.readline().strip()
    elif session.ask:
        import getpass

        given = getpass.getpass("Token (empty: none): ").strip()
    else:
        given = ""
    return sendable(given, "the token given") if given else ""


def _nothing_there() -> bool:
    """True when the standard input is closed or nobody writes to it, as under cron."""
    import select

    try:
        return not select.select([sys.stdin], [], [], 0.05)[0]
    except (OSError, ValueError):
        return False  # nothing that can be waited for: what is there is read at once


@command(app, "remove", example="im context remove lab")
def remove(session: Session, name: _Name) -> None:
    """Forget a server's name and its token here; the token itself stays valid."""
    known = read_contexts(os.environ)
    was = known.current == name
    known.forget(name)
    session.print.done(f"{name} is forgotten.", "im context use NAME" if was and known.known else "")


__all__ = ["Failure", "Usage", "app"]
