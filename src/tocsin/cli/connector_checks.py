"""Does a connector work? Its provider is asked, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import CheckFailed, Code, Failure
from tocsin.cli.printing import Column
from tocsin.cli.signs import sign
from tocsin.cli.wording import plain

if TYPE_CHECKING:
    from tocsin.client.trials import CheckLine, ConnectorTest

_NAME = Annotated[str, typer.Argument(metavar="NAME", help="The connector.")]


class Unreached(Failure):
    """A provider did not answer; everything has been told already."""

    code = Code.UNREACHABLE


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file under `im connector`."""
    command(app, "test", example="im connector test prod-pagerduty")(test)


_COLUMNS = (Column("STATE"), Column("SUBJECT"), Column("TEXT"), Column("NEXT"))


def show_lines(session: Session, lines: tuple[CheckLine, ...]) -> None:
    """Print a check line by line, with the next step below what needs one."""
    if session.print.format == "tsv":
        session.print.rows(
            _COLUMNS, lines, lambda one: [one.state, one.subject, one.text, one.step], none="Nothing to check"
        )
        return
    for line in lines:
        shown, style = sign(session.print, line.state)
        session.print.hanging(
            [(f"{shown} ", style), (plain(line.text), "dim" if line.state == "unknown" else "")], 2
        )
        if line.step:
            session.print.hanging([("  -> ", "dim"), (plain(line.step), "dim")], 5)


def test(session: Session, name: _NAME) -> None:
    """Test a connector: ask its provider for each thing it needs.

    Nothing is changed there. Every line is looked at, whatever the others say. Exit code 8 when something failed, 6 when
    the provider did not answer; warnings alone are 0.
    """
    found = session.client.test_connector(name)
    if not session.print.data(found.raw):
        show_lines(session, found.lines)
    fail(found)


def fail(found: ConnectorTest) -> None:
    """Raise what stands for a check that failed."""
    failed = sum(line.state == "failed" for line in found.lines)
    if not failed:
        return
    words = f"{failed} of {len(found.lines)} checks of {found.connector} failed"
    if found.unreachable:
        raise Unreached(f"{words}: its provider did not answer")
    raise CheckFailed(words)
