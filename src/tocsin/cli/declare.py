"""How is an incident opened by hand?"""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.done import how_long, not_well, there
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
        str,
        typer.Option(
            "--description", "--body", metavar="TEXT", help="More about it; - reads the standard input."
        ),
    ] = "",
    connector: Annotated[
        list[str] | None,
        typer.Option("--connector", metavar="NAME", help="Page through this alone, instead of as routed."),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="KEY=VALUE", help="A custom field.")
    ] = None,
    to: Annotated[
        str, typer.Option("--assign", metavar="USER", help="Give it to this user at once, or to me.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be declared and who asked; declare nothing.")
    ] = False,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            "--watch",
            help="Until each page is created, 30 s at most; exit 7 when one is not. Default: 2 s on a terminal.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Open an incident by hand; the people of its services are paged.

    What is missing is asked for on a terminal.
    """
    asked = session.ask and not (severity and title and service)
    severity = severity or _ask(session, "Severity (SEV-1 … SEV-4)", "--sev")
    word = severity_from(severity)
    title = (title or _ask(session, "Title", "--title")).strip()
    services = _names(service) or _names([_ask(session, _services_asked(session), "--service")])
    if description == "-":
        description = session.stdin.read().strip()
    summary = plain(f"{both_severities(word)} on {and_list(services)}: {title}")
    if dry_run:
        session.print.done(f"Would declare {summary}. Nothing was declared.")
    if dry_run or asked:
        for line in _who_is_asked(session, title, word, services, _names(connector)):
            session.print.say(line)
    if dry_run:
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
    if to:
        made = session.client.assign(made.name, to)
        made.changed = True
    seconds = how_long(session, wait)
    sides = there(session, made, seconds) if seconds else []
    if session.print.data(made.raw):
        not_well({made.name: sides} if wait else {})
        return
    told = and_list(list(dict.fromkeys(side.connector for side in made.providers)))
    also = f" {told} {'are' if ' and ' in told else 'is'} being asked." if told else ""
    if sides:
        also = f" ({', '.join(side.said for side in sides)})"
    if to:
        also = f" Assigned to {made.assignee}.{also}"
    session.print.done(
        f"{made.name} declared, {both_severities(made.severity)}: {plain(made.title)}.{also}",
        f"im ack {made.name}   (how it goes: im timeline {made.name} --follow)",
    )
    not_well({made.name: sides} if wait else {})


def _who_is_asked(
    session: Session, title: str, severity: str, services: list[str], connectors: list[str]
) -> list[str]:
    """Who would be asked, a line a step; what cannot be told keeps nobody from declaring."""
    from tocsin.client.errors import ClientError

    if connectors:
        return [plain(f"Asked: {and_list(connectors)}, as named")]
    imagined = {"title": title, "severity": severity, "source": "declared", "service_name": services[0]}
    try:
        found = session.client.explain({"alert": imagined})
        steps = [
            f"{one.mode} of {and_list(one.targets)}{f' after {one.after}' if one.after else ''}"
            for one in found.steps
        ]
        lines = [plain(f"Asked, by “{found.rule}”: {', then '.join(steps) or 'nobody'}")]
        if len(services) > 1:
            lines.append(plain(f"For each of {and_list(services)}: an incident of its own at each provider"))
        return lines
    except ClientError as fault:
        return [plain(f"Who would be asked cannot be told: {fault}")]


def _services_asked(session: Session) -> str:
    """The question for the service, with those that there are."""
    from tocsin.client.errors import ClientError

    question = "Service (several with commas"
    if not session.ask:
        return f"{question})"
    try:
        body = session.client.call("GET", "/api/v1/services").json()
        known = [str(one.get("name", "")) for one in body.get("items", [])][:20]
    except (ClientError, AttributeError, ValueError):
        known = []
    return f"{question}: {', '.join(known)})" if known else f"{question})"


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
