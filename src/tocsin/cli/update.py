"""How are an incident's words, severity and fields changed?"""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.wording import and_list, both_severities, incident_name, pair_from, plain, severity_from

app = typer.Typer()

_EXAMPLE = """\
im update INC-7 --severity SEV-1 --title "checkout is down"
im update INC-7 --field customer=acme --field region="""


@command(app, "update", example=_EXAMPLE)
def update(
    session: Session,
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="INC-7, 7 or the incident's id.")] = "",
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What is wrong, in one line.")
    ] = None,
    severity: Annotated[
        str,
        typer.Option(
            "--severity", "--sev", metavar="SEVERITY", help="SEV-2 or high; a higher one pages again."
        ),
    ] = "",
    description: Annotated[
        str | None,
        typer.Option("--description", metavar="TEXT", help="More about it; - reads the standard input."),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field", metavar="KEY=VALUE", help="A custom field; without a value it is taken away."
        ),
    ] = None,
    incident_option: Annotated[
        str, typer.Option("--incident", metavar="INCIDENT", help="The incident as an option.")
    ] = "",
) -> None:
    """Change an incident's title, text, severity or fields.

    The providers that hold it are told. A higher severity is routed again: who is not asked yet is, and who has
    acknowledged is asked again. Repeats of the alert leave alone what you wrote.
    """
    name = incident or incident_option
    if not name:
        raise Usage("no incident is named", hint="name one, like INC-7; im list shows them")
    if description == "-":
        description = session.stdin.read().strip()
    fields = dict(pair_from(one, "--field") for one in field or [])
    if title is None and description is None and not severity and not fields:
        raise Usage(
            f"nothing to change on {name}", hint='im update INC-7 --severity SEV-1 --title "what is wrong"'
        )
    done = session.client.update(
        incident_name(name),
        title=title,
        description=description,
        severity=severity_from(severity) if severity else None,
        fields=fields or None,
    )
    if session.print.data(done.raw):
        return
    called = done.name or incident_name(name)
    if not done.changed:
        session.print.done(f"{called} was so already; nothing changed.")
        return
    told = and_list(list(dict.fromkeys(side.connector for side in done.providers)))
    also = f" {told} will be told." if told else ""
    session.print.done(
        f"{called} updated, {both_severities(done.severity)}: {plain(done.title)}.{also}",
        f"im timeline {called}",
    )
