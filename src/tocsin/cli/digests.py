"""What is collected for digests, and what did they tell?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.failures import Code, Failure
from tocsin.cli.printing import Column
from tocsin.cli.wording import moment, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.digests import Digest

app = typer.Typer(
    name="digest",
    help="Look at digests: list, show, send.",
    cls=ExampleFirstGroup,
    epilog='im digest list\nim digest show "the quiet ones"\nim digest send "the quiet ones"',
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The digest: the name of its routing rule.")]


class NothingThere(Failure):
    """No digest of that name was ever collected."""

    code = Code.NOT_FOUND


@app.callback()
def digest() -> None:
    """Look at digests: list, show, send."""


_COLUMNS = (
    Column("NAME", flex=True),
    Column("STATE"),
    Column("LEAVES"),
    Column("HOLDS"),
    Column("WORST"),
    Column("TO"),
)


@command(app, "list", example="im digest list")
def list_digests(session: Session) -> None:
    """List what is collected or will be asked, then what was sent, the last first."""
    page = session.client.digests()
    if not session.print.data(page.raw):
        session.print.rows(
            _COLUMNS,
            page.items,
            lambda one: _row(one, session),
            none="Nothing is collected, and no digest was sent yet.",
        )


def _row(one: Digest, session: Session) -> list[object]:
    ends = one.ends_at
    at = (
        ""
        if ends is None
        else rfc3339(ends)
        if session.print.format == "tsv"
        else moment(ends, utc=session.utc)
    )
    to = [f"{name} ({one.delivered[name]})" if name in one.delivered else name for name in one.to]
    state = f"{one.state}, default route asked" if one.fell_back_at else one.state
    state = f"{state}, for review" if one.review else state
    many, what = (one.incidents, "incident") if one.holder else (one.alerts, "alert")
    return [one.name, state, at, f"{many} {what}{'' if many == 1 else 's'}", one.worst, ", ".join(to)]


@command(app, "show", example='im digest show "the quiet ones"')
def show(session: Session, name: Name) -> None:
    """Show a digest as it would leave now; when nothing is collected, the last one that left."""
    page = session.client.digests(name=name, limit=1)
    if not page.items:
        raise NothingThere(f"{plain(name)} has collected nothing and sent nothing", hint="im digest list")
    one = page.items[0]
    if session.print.data(one.raw):
        return
    session.print.line(plain(one.subject), "bold")
    for line in one.text.splitlines():
        session.print.line(plain(line))


@command(app, "send", example='im digest send "the quiet ones"')
def send(session: Session, name: Name) -> None:
    """Send a digest now instead of at its period's end."""
    sent = session.client.send_digest(name)
    if session.print.data(sent.raw):
        return
    if not sent.alerts:
        session.print.say(f"{plain(name)} has collected nothing: nothing is sent.", "dim")
        return
    session.print.done(
        f"{plain(name)} leaves with {sent.alerts} alert{'' if sent.alerts == 1 else 's'}.", "im digest list"
    )
