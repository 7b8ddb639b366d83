"""How is an incident opened by hand?"""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Failure, Usage
from tocsin.cli.wording import and_list, both_severities, pair_from, plain, severity_from

app = typer.Typer()


@command(
    app, "declare", example='im declare --sev SEV-2 --title "checkout is slow" --service payment-service,web'
)
def declare(
    session: Session,
    severity: Annotated[
        str, typer.Option("--sev", "--severity", metavar="SEVERITY", help="SEV-2 or high.")
    ] = "",
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What is wrong, in one line.")] = "",
    service: Annotated[
        list[str] | None,
        typer.Option("--service", metavar="NAME", help="What is hit; several with commas or repeated."),
    ] = None,
    description: Annotated[
        str, typer.Option("--description", metavar="TEXT", help="More about it; - reads the standard input.")
    ] = "",
    connector: Annotated[
        list[str] | None,
        typer.Option("--connector", metavar="NAME", help="Page through this alone, instead of as routed."),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="KEY=VALUE", help="A custom field.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be declared; declare nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Open an incident by hand; the people of its services are paged.

    What is missing is asked for on a terminal.
    """
    asked = session.ask and not (severity and title and service)
    severity = severity or _ask(session, "Severity (SEV-1 … SEV-4)", "--sev")
    word = severity_from(severity)
    title = (title or _ask(session, "Title", "--title")).strip()
    services = _names(service) or _names([_ask(session, "Service (several with commas)", "--service")])
    if description == "-":
        description = session.stdin.read().strip()
    summary = plain(f"{both_severities(word)} on {and_list(services)}: {title}")
    if dry_run:
        session.print.done(f"Would declare {summary}. Nothing was declared.")
        return
    if asked and not yes and not session.confirm(f"Declare {summary}? People are paged."):
        raise Failure("nothing was declared")
    made = session.client.declare(
        title, word, services,
        description=description,
        connectors=_names(connector),
        fields=dict(pair_from(one, "--field") for one in field or []),
        key=_fresh_key(),
    )  # fmt: skip
    if session.print.data(made.raw):
        return
    told = and_list(list(dict.fromkeys(side.connector for side in made.providers)))
    also = f" {told} {'are' if ' and ' in told else 'is'} being asked." if told else ""
    session.print.done(
        f"{made.name} declared, {both_severities(made.severity)}: {plain(made.title)}.{also}",
        f"im ack {made.name}   (how it goes: im timeline {made.name} --follow)",
    )


def _names(given: list[str] | None) -> list[str]:
    return list(dict.fromkeys(name.strip() for one in given or [] for name in one.split(",") if name.strip()))


def _ask(session: Session, question: str, option: str) -> str:
    if session.ask:
        session.print.err.write(f"{question}: ")
        session.print.err.flush()
        if answer := session.stdin.readline().strip():
            return answer
    raise Usage(f"{option} is missing", hint='im declare --sev SEV-2 --title "what is wrong" --service NAME')


def _fresh_key() -> str:
    import secrets

    return f"im-{secrets.token_hex(16)}"
