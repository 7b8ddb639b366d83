"""The server itself: its version, its dashboard, and its API as it is."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Failure, Usage
from tocsin.cli.printing import Column
from tocsin.cli.wording import pair_from, plain

app = typer.Typer()

_WAITED = (
    Column("INCIDENT"), Column("SEVERITY", styled=True), Column("CONNECTOR"), Column("TITLE", flex=True), Column("WHY"),
)  # fmt: skip
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@command(app, "version", example="im version")
def version(session: Session) -> None:
    """Show the versions of this command and of the server."""
    from tocsin import __version__
    from tocsin.client.errors import ClientError

    trouble: ClientError | None = None
    there = ""
    try:
        there = session.client.health().version
    except ClientError as error:
        trouble = error
    data = {"im": __version__, "server": there or None, "url": session.client.url}
    if not session.print.data(data):
        python = ".".join(map(str, sys.version_info[:3]))
        session.print.fields(
            [
                ("im", f"{__version__} (Python {python})"),
                ("Server", f"{there} at {session.client.url}" if there else "unknown"),
            ]
        )
    if trouble is not None:
        session.print.say(f"The server's version is unknown: {trouble}.", "yellow")
        session.print.say("Next: im doctor", "dim")


@command(app, "resume", example="im resume")
def resume(session: Session) -> None:
    """End a hold: pages that waited because the database is an older copy leave now.

    A hub whose database was restored from a backup holds what was there before for two minutes.
    """
    ended = session.client.resume()
    if session.print.data(ended.raw):
        return
    session.print.rows(
        _WAITED, ended.would_page, lambda p: [p.incident, p.severity, p.connector or "(next step)", p.title, p.why],
        none="Nothing waited.",
    )  # fmt: skip
    waited = len(ended.would_page)
    count = f"{waited} page{'' if waited == 1 else 's'}"
    session.print.say(f"The hold is over: {count} of before it may leave now. Next: im list", "dim")


@command(app, "open", example="im open\nim open --user bo")
def open_dashboard(
    session: Session,
    user: Annotated[
        str,
        typer.Option(
            "--user", metavar="NAME", help="As this user of the configuration, so that who acts is known."
        ),
    ] = "",
    print_only: Annotated[bool, typer.Option("--print", help="Print the address; open no browser.")] = False,
) -> None:
    """Open the dashboard, signed in.

    The address signs one browser in, once; do not pass it on.
    """
    link = session.client.session_link(user=user)
    if not session.print.data({"url": link}):
        session.print.line(plain(link))
    if print_only or not session.print.tty or not _has_screen():
        return
    import webbrowser

    if webbrowser.open(link):
        session.print.say("Opened in the browser.")


def _has_screen() -> bool:
    """Whether a graphical browser can be expected; one in the terminal would take the terminal over."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@command(
    app,
    "api",
    example='im api GET /api/v1/incidents\nim api POST /api/v1/incidents/INC-7/notes --field text="seen"',
)
def api(
    session: Session,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET unless given.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="/api/v1/incidents, or incidents.")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field", "-F", metavar="KEY=VALUE", help="A member of the body; JSON values are taken as such."
        ),
    ] = None,
    raw_field: Annotated[
        list[str] | None,
        typer.Option(
            "--raw-field", "-f", metavar="KEY=VALUE", help="The same, always a text; of a GET the query."
        ),
    ] = None,
    input: Annotated[
        str, typer.Option("--input", metavar="FILE", help="The body as it is; - is the standard input.")
    ] = "",
    jq: Annotated[str, typer.Option("--jq", metavar="EXPR", help="Put the answer through jq.")] = "",
    data: Annotated[
        str, typer.Option("--data", "-d", metavar="JSON", help="The body; @FILE or @- reads it.")
    ] = "",
    paginate: Annotated[
        bool, typer.Option("--paginate", help="Follow next_cursor and print all items.")
    ] = False,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="The status and headers too, on stderr.")
    ] = False,
) -> None:
    """Call the API directly.

    Prints the answer as it came; a refusal gives the exit code of its kind.
    """
    method, path = (method.upper(), path) if path else ("GET", method)
    if method not in _METHODS:
        raise Usage(f"{method!r} is not a method", hint=f"use one of {', '.join(_METHODS)}")
    if not path.startswith("/"):
        path = f"/api/v1/{path}"
    members, query = _members(method, field, raw_field)
    body = _body(session, data or (f"@{input}" if input else ""), members)
    headers = {"Content-Type": "application/json"} if body is not None else None
    answer = session.client.call(method, path, query=query, body=body, headers=headers)
    if include:
        session.print.say(f"{answer.status} {answer.reason}")
        for name, value in answer.headers.items():
            session.print.say(f"{name}: {value}")
    if "json" not in answer.headers.get("content-type", "json"):
        session.print.out.write(answer.body.decode("utf-8", "replace"))
        return
    found = answer.json()
    if paginate:
        found = _all_pages(session, path, found, query)
    if jq:
        _through_jq(session, jq, found)
        return
    if found is None:
        session.print.say(f"{answer.status} {answer.reason}, no content.")
    elif session.print.format != "yaml":
        indent = 2 if session.print.tty or session.print.format == "json" else None
        session.print.out.write(json.dumps(found, indent=indent, ensure_ascii=False) + "\n")
    else:
        session.print.data(found)


def _members(
    method: str, typed: list[str] | None, raw: list[str] | None
) -> tuple[dict[str, Any], dict[str, object]]:
    """(members of the body, the query): a GET has no body."""
    found: dict[str, Any] = dict(pair_from(one, "--raw-field") for one in raw or [])
    found |= {key: _value(text) for key, text in (pair_from(one, "--field") for one in typed or [])}
    return ({}, found) if method == "GET" else (found, {})


def _through_jq(session: Session, expression: str, found: Any) -> None:
    """As the program jq does it; -r, as in a shell."""
    import shutil
    import subprocess

    if (program := shutil.which("jq")) is None:
        raise Failure(
            "--jq needs the program jq, which is not here", hint="apt install jq, or leave --jq out"
        )
    ran = subprocess.run(  # noqa: S603 - the expression is its argument, not a shell's
        [program, "-r", expression], input=json.dumps(found), capture_output=True, text=True, check=False
    )
    session.print.out.write(ran.stdout)
    if ran.returncode:
        raise Usage(f"jq does not understand {expression!r}: {ran.stderr.strip()}")


def _body(session: Session, data: str, members: dict[str, Any]) -> bytes | None:
    if data and members:
        raise Usage("--data, --input and --field do not go together")
    if members:
        return json.dumps(members).encode()
    if not data:
        return None
    if not data.startswith("@"):
        return data.encode()
    try:
        return session.stdin.read().encode() if data == "@-" else Path(data[1:]).read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {data[1:]}: {error.strerror}") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _all_pages(session: Session, path: str, first: Any, query: dict[str, object]) -> Any:
    if not isinstance(first, dict) or not isinstance(first.get("items"), list):
        return first
    items, cursor = list(first["items"]), first.get("next_cursor")
    while cursor:
        page = session.client.call("GET", path, query={**query, "cursor": cursor}).json()
        items += page["items"]
        cursor = page.get("next_cursor") if page.get("next_cursor") != cursor else None
    return first | {"items": items, "next_cursor": None}
