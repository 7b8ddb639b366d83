"""Which incidents are meant: named, the latest, one's own, or chosen from a list?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.failures import Failure, Usage
from tocsin.cli.wording import age, incident_name, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.cli.command import Session
    from tocsin.client.shapes import Incident

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="INCIDENT", help="INC-7, 7 or an id; @latest, or @mine for all of yours."),
]
Options = Annotated[
    list[str] | None, typer.Option("--incident", metavar="INCIDENT", help="The same as an option.")
]
OPEN, OVER, ANY = "open,mitigated", "resolved,closed", "open,mitigated,resolved,closed"
_MOST = 500


def names(
    session: Session,
    positional: Sequence[str] | None,
    options: Sequence[str] | None = None,
    *,
    among: str = OPEN,
    mine: bool = False,
) -> list[str]:
    """The names meant by what was typed, each once. `among` = the states that @latest, @mine and the list look at.

    With nothing typed it is asked on a terminal, and Usage elsewhere.
    """
    typed = [name for given in (positional, options) for name in given or []] + (["@mine"] if mine else [])
    found: list[str] = []
    for word in typed or _chosen(session, among):
        match word.lower():
            case "@latest":
                found += [one.name for one in _listed(session, among, 1)]
            case "@mine":
                found += [one.name for one in _mine(session, among)]
            case _:
                found.append(incident_name(word))
    return list(dict.fromkeys(found))


def name(session: Session, typed: str, option: str = "", *, among: str = OPEN) -> str:
    """The one incident that is meant."""
    found = names(
        session, [typed] if typed else [], [option] if option and option != typed else [], among=among
    )
    if len(found) != 1:
        raise Usage(
            f"one incident is needed, not {len(found)}", hint="name it, like INC-7; im list shows them"
        )
    return found[0]


def _listed(session: Session, among: str, most: int) -> list[Incident]:
    page = session.client.incidents(status=among, limit=most)
    if not page.items:
        raise Failure("there is no such incident", hint="im list --status all shows every incident")
    return list(page.items)


def _mine(session: Session, among: str) -> list[Incident]:
    me = session.client.whoami().name.casefold()
    every = session.client.incidents(status=among, limit=_MOST).items
    found = [
        one
        for one in every
        if me in ((one.assignee or one.acknowledged_by).casefold(), one.acknowledged_by.casefold())
    ]
    if not found:
        raise Failure(f"none of the open incidents is yours ({me})", hint="im list shows whose they are")
    return found


def _chosen(session: Session, among: str) -> list[str]:
    if not session.ask:
        raise Usage("no incident is named", hint="name one or more, like INC-7; im list shows them")
    listed = _listed(session, among, 20)
    now, say = session.clock(), session.print.err
    for number, one in enumerate(listed, start=1):
        say.write(
            f"{number:>3}  {plain(f'{one.name}  {one.sev}  {one.status_shown}  {age(one.opened_at, now)}  {one.title}')}\n"
        )
    say.write("Which (a number or a name, several with spaces)? ")
    say.flush()
    words = session.stdin.readline().replace(",", " ").split()
    if not words:
        raise Failure("nothing was chosen; nothing was done")
    by_number = {str(number): one.name for number, one in enumerate(listed, start=1)}
    return [by_number.get(word, word) for word in words]
