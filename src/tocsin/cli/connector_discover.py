"""What does a connector's provider have, and what of ours could be mapped to it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Partial, Usage
from tocsin.cli.printing import Column

if TYPE_CHECKING:
    from tocsin.client.looks import Discovered, Proposal, Thing


def add_to(app: typer.Typer) -> None:
    """Register the command under `im connector`."""
    command(app, "discover", example="im connector discover prod-pagerduty --apply")(discover)


_THINGS = (
    Column("KIND"),
    Column("ID"),
    Column("NAME", flex=True),
    Column("MAPPED BY", flex=True),
    Column("VALUE", wide=True),
)
_PROPOSALS = (
    Column("OURS"),
    Column("THERE"),
    Column("VALUE"),
    Column("SCORE", right=True),
    Column("SETTING", wide=True),
    Column("WHY", flex=True),
)


def discover(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connector.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the proposals that you accept, one question for each.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --apply: accept all without asking.")
    ] = False,
) -> None:
    """List what a provider has (services, policies, teams), and propose what of ours means it.

    Proposals go by names alone; nothing is mapped unless --apply writes it.
    """
    if yes and not apply:
        raise Usage("--yes goes with --apply")
    if apply and not yes and not session.ask:
        raise Usage("--apply asks for each proposal: say --yes where nobody can be asked")
    found = session.client.discover(name)
    if not session.print.data(found.raw):
        _show(session, found)
    if apply:
        accepted = [
            one
            for one in found.proposals
            if yes or session.confirm(f"Map {one.name} to {one.there} ({one.value})?")
        ]
        if accepted:
            done = session.client.accept_mappings(name, accepted)
            session.print.say(
                f"{len(accepted)} mapped; version {done.version} of the configuration is in force."
            )
            session.print.say(f"Next: im connector test {name}", "dim")
        else:
            session.print.say("Nothing was mapped.")
    elif found.proposals and not session.print.structured:
        session.print.say(f"Next: im connector discover {name} --apply", "dim")
    if found.fault:
        raise Partial(f"Not all of it could be read: {found.fault}", hint=f"im connector test {name}")


def _show(session: Session, found: Discovered) -> None:
    session.print.rows(
        _THINGS, found.things, _thing, none=f"{found.connector} has nothing that could be mapped"
    )
    if session.print.format != "tsv":
        session.print.line()
        session.print.rows(
            _PROPOSALS,
            found.proposals,
            _proposal,
            none="Nothing is proposed: all is mapped, or no names are alike.",
        )
        for one in found.doubtful:
            session.print.say(f"{one.name}: {one.why}", "dim")


def _thing(one: Thing) -> list[object]:
    return [one.kind, one.id, one.name, ", ".join(one.mapped_by), one.value]


def _proposal(one: Proposal) -> list[object]:
    return [one.name, one.there, one.value, f"{one.score:.2f}", one.setting, one.reason]
