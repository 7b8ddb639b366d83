"""Which configurations have been in force, what changed between them, and how does one go back?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import ExampleFirstGroup, Session, command
from tocsin.cli.failures import Code, Failure, Usage, exit_code
from tocsin.cli.hub_file import print_diff, refuse, warn
from tocsin.cli.printing import Column
from tocsin.cli.wording import moment, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.shapes import ConfigChange, ConfigVersion

app = typer.Typer(
    name="config",
    help="Versions of the configuration: list, show, diff, rollback.",
    cls=ExampleFirstGroup,
    epilog="im config list\nim config diff 41\nim config rollback 41",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)


@app.callback()
def config() -> None:
    """Versions of the configuration: list, show, diff, rollback.

    Every applied configuration is kept for good, without credentials. im apply makes the next one.
    """


_COLUMNS = (
    Column("VERSION", right=True),
    Column("APPLIED"),
    Column("AUTHOR", flex=True),
    Column("HOW", flex=True),
    Column("INCIDENTS", right=True),
    Column("HASH"),
)
_Version = Annotated[
    int, typer.Argument(metavar="N", min=1, help="The number of a version; im config list shows them.")
]
_Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many.")]


@command(app, "list", example="im config list\nim config list --limit 5 -o json")
def list_versions(
    session: Session,
    limit: _Limit = 20,
    cursor: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
) -> None:
    """List the applied configurations, the newest first; * marks the one in force.

    INCIDENTS were opened under it: their pages follow its rules.
    """
    page = session.client.config_versions(limit=limit, cursor=cursor)
    if session.print.data(page.raw):
        return
    none = "No configuration was applied yet. Next: im apply -f hub.yaml"
    session.print.rows(_COLUMNS, page.items, lambda one: _row(one, session), none=none)
    if page.next_cursor:
        session.print.say(f"More: im config list --limit {limit} --cursor {page.next_cursor}")


def _row(one: ConfigVersion, session: Session) -> list[object]:
    exact = session.print.format == "tsv"
    number = f"* {one.version}" if one.in_force and not exact else one.version
    at = rfc3339(one.applied_at) if exact else moment(one.applied_at, utc=session.utc)
    return [number, at, one.author, one.origin, one.incidents, one.hash if exact else one.hash[:12]]


@command(app, "show", example="im config show\nim config show 41 > hub-41.yaml")
def show(
    session: Session,
    version: Annotated[
        int, typer.Argument(metavar="[N]", min=0, help="Its number. Default: the one in force.")
    ] = 0,
) -> None:
    """Show a configuration as YAML; credentials appear as names only.

    To apply what it prints as a file, write ${NAME} where it says {$secret: …}, and give integrations their keys.
    """
    found = session.client.config_version(version or _newest(session))
    if session.print.data(found.raw):
        return
    state = "in force" if found.in_force else "not in force"
    counted = f"{found.incidents} incident{'' if found.incidents == 1 else 's'} opened under it"
    at = moment(found.applied_at, utc=session.utc)
    session.print.say(
        f"# version {found.version}, {state}; applied {at} by {plain(found.author)} ({plain(found.origin)}); {counted}", "dim"
    )  # fmt: skip
    for line in found.text.splitlines():
        session.print.line(plain(line))


def _newest(session: Session) -> int:
    number = session.client.config().version
    if not number:
        raise Failure("no configuration was applied yet", hint="im apply -f hub.yaml")
    return number


@command(app, "diff", example="im config diff 41        (from 41 to the one in force)\nim config diff 39 41")
def diff(
    session: Session,
    first: Annotated[int, typer.Argument(metavar="A", min=1, help="The number of a version.")],
    second: Annotated[
        int, typer.Argument(metavar="[B]", min=0, help="Another. Default: the one in force.")
    ] = 0,
) -> None:
    """Show what version B says else than version A."""
    found = session.client.config_difference(first, second or None)
    if session.print.data(found.raw):
        return
    print_diff(session, found.diff)
    if not found.changed:
        session.print.line(f"Versions {found.from_version} and {found.to_version} say the same.")


@command(
    app,
    "rollback",
    example="im config rollback 41 --dry-run\nim config rollback 41\nim config rollback 41 --yes      (in a script)",
)
def rollback(
    session: Session,
    version: _Version,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also when somebody would not be paged any more.")
    ] = False,
) -> None:
    """Put an older configuration in force again, as a new version.

    It goes through the same checks as im apply. Credentials and the keys of integrations are today's; a credential that
    it needs and that is gone is named, and nothing changes.
    """
    foreseen = _told(session, version, dry_run=True)
    stands = bool(foreseen.refusals) and not force
    if (dry_run or stands) and session.print.data(foreseen.raw):
        raise typer.Exit(Code.CONFLICT if stands else Code.OK)
    if not session.print.structured:
        print_diff(session, foreseen.diff)
        warn(session, foreseen.warnings)
        text = session.client.config_version(version).text if foreseen.refusals else ""
        refuse(session, foreseen.refusals, file=f"version {version}", text=text)
    if stands:
        raise typer.Exit(Code.CONFLICT)
    if not foreseen.changed and not session.print.data(foreseen.raw):
        session.print.line(
            f"Version {version} says what version {foreseen.version} says, which stays in force."
        )
    if dry_run or not foreseen.changed:
        return
    if not yes:
        if session.ask and not session.confirm(f"Roll back to version {version}?"):
            raise Failure("nothing was changed")
        if not session.ask and session.stdin.isatty():
            raise Usage("--no-input needs --yes")
    done = _told(session, version, dry_run=False, force=force)
    if not session.print.data(done.raw):
        session.print.done(
            f"Version {done.version} is in force; it says what version {version} said.", "im doctor"
        )


def _told(session: Session, version: int, *, dry_run: bool, force: bool = False) -> ConfigChange:
    """The answer; a refusal is told with its lines of the version's text."""
    from tocsin.client.errors import BadInput, Conflict

    try:
        return session.client.config_rollback(version, dry_run=dry_run, force=force)
    except (BadInput, Conflict) as refused:
        text = session.client.config_version(version).text if refused.faults else ""
        session.report(refused, file=f"version {version}", text=text)
        raise typer.Exit(exit_code(refused)) from None
