"""Who is to have an incident: give it to somebody, or give it back?"""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.done import Note, Wait, each
from tocsin.cli.failures import Failure, Usage
from tocsin.cli.which import Names, Options, name, names
from tocsin.cli.wording import and_list

app = typer.Typer()

_To = Annotated[
    str,
    typer.Option("--to", "--user", metavar="USER", help="A user's id, e-mail address or name; me for yourself."),
]  # fmt: skip


@command(app, "unack", example='im unack INC-7 --note "not mine after all"')
def unack(
    session: Session, incidents: Names = None, incident: Options = None, note: Note = "", wait: Wait = None
) -> None:
    """Give incidents back: nobody has them any more.

    They are open again and paged from their first step, here and at the providers.
    """
    named = names(session, incidents, incident)
    each(
        session,
        named,
        "given back",
        lambda name: session.client.unacknowledge(name, note),
        "im timeline {}",
        wait,
    )


@command(
    app, "assign", example='im assign INC-7 --to bo\nim assign INC-7 INC-8 --to me --note "I take these"'
)
def assign(
    session: Session,
    incidents: Annotated[
        list[str] | None,
        typer.Argument(metavar="INCIDENT... [USER]", help="INC-7, 7 or an id; the user last, or with --to."),
    ] = None,
    incident: Options = None,
    to: _To = "",
    note: Note = "",
    wait: Wait = None,
) -> None:
    """Give incidents to somebody.

    At the providers too: they ring who it is, by their own rules. It does not acknowledge. What somebody has already is
    open again until the next one acknowledges it; to take it yourself, acknowledge it, or assign it to me.
    """
    typed = list(incidents or [])
    if not to and typed and len(typed) + len(incident or []) > 1:
        to = typed.pop()
    if not to:
        raise Usage("nobody is named", hint="im assign INC-7 --to bo   (or --to me)")
    named = names(session, typed, incident)
    each(session, named, "assigned", lambda name: session.client.assign(name, to, note), "im show {}", wait)


@command(
    app, "escalate", example='im escalate INC-7 --note "need a DBA"\nim escalate INC-7 --to database-lead'
)
def escalate(
    session: Session,
    incidents: Names = None,
    incident: Options = None,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="WHOM", help="A step (2), a user or a policy; default: whoever is next."
        ),
    ] = "",
    note: Note = "",
    wait: Wait = None,
) -> None:
    """Escalate incidents: ask further people now.

    The next step of the page here, and the next level at the providers. What somebody has is open again until one of
    those who are asked acknowledges it.
    """
    named = names(session, incidents, incident)
    each(
        session,
        named,
        "escalated",
        lambda name: session.client.escalate(name, to, note),
        "im timeline {}",
        wait,
    )


@command(app, "merge", example='im merge INC-8 INC-9 --into INC-7 --note "one switch, three alarms"')
def merge(
    session: Session,
    incidents: Names = None,
    incident: Options = None,
    into: Annotated[
        str, typer.Option("--into", metavar="INCIDENT", help="The one that stays; it must be open.")
    ] = "",
    note: Note = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Wait = None,
) -> None:
    """Merge incidents into another one: they are one thing.

    Their alerts and services are the other's from then on; they are closed and point to it, here and at the providers.
    What is worse than the other makes it as bad, and pages. There is no way back.
    """
    if not into:
        raise Usage("it is not said into which one", hint="im merge INC-8 --into INC-7")
    named, target = names(session, incidents, incident), name(session, into)
    if (
        session.ask
        and not yes
        and not session.confirm(f"Merge {and_list(named)} into {target}? There is no way back.")
    ):
        raise Failure("nothing was merged")
    each(session, named, "merged", lambda one: session.client.merge(one, target, note), "im show {}", wait)
