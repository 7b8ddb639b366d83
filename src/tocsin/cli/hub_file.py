"""What would this configuration file change, and how is it applied?"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Code, Failure, Usage, exit_code, fault_lines
from tocsin.cli.wording import plain

if TYPE_CHECKING:
    from tocsin.client.shapes import ConfigChange

app = typer.Typer()

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_File = Annotated[
    str,
    typer.Option("--file", "-f", metavar="FILE", help="The configuration in YAML; - is the standard input."),
]
_Prune = Annotated[
    bool, typer.Option("--prune", help="Remove what commands made and the file does not name.")
]


@command(app, "diff", example="im diff -f hub.yaml")
def diff(session: Session, file: _File = "", prune: _Prune = False) -> None:
    """Show what applying a configuration file would change.

    Nothing is changed. Variables like ${NAME} are filled from this command's environment. What was made by command and
    is not in the file stays; what was changed by command and is in the file is taken back: both are told.
    """
    _Given(session, file, prune=prune).difference()


@command(
    app,
    "apply",
    example="im apply -f hub.yaml\nim apply -f hub.yaml --yes      (in a pipeline)\nim apply -f hub.yaml --force    (although it was refused)\nim apply -f hub.yaml --prune    (without what commands made)",
)
def apply(
    session: Session,
    file: _File = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also when somebody would not be paged any more."),
    ] = False,
    prune: _Prune = False,
) -> None:
    """Apply a configuration file, after showing what changes.

    Sends the text and those variables of this environment that it names as ${NAME}; no others. What would cost pages
    is refused with exit code 5, unless --force: a severity whose page path was never tested, an integration in use or a
    connector with open incidents that goes, a default or a critical page that reaches nobody. What commands made
    stays unless --prune; what they changed in an entry of the file is taken back, and told.
    """
    given = _Given(session, file, prune=prune)
    change = given.difference(last=dry_run)
    if change.refusals and not force:
        raise typer.Exit(Code.CONFLICT)
    if dry_run or not change.changed:
        return
    if not yes:
        if session.ask and file == "-":
            raise Usage("the standard input holds the file, so nobody can be asked", hint="add --yes")
        if session.ask and not session.confirm("Apply this?"):
            raise Failure("nothing was changed")
        if not session.ask and session.stdin.isatty():
            raise Usage("--no-input needs --yes")
    given.apply(force=force)


class _Given:
    """The file that was given, and the variables that it names."""

    def __init__(self, session: Session, file: str, *, prune: bool) -> None:
        if not file:
            raise Usage("which file?", hint="im apply -f hub.yaml")
        self._session, self._prune = session, prune
        self._name = "<stdin>" if file == "-" else Path(file).name
        self._shown = "<stdin>" if file == "-" else file
        try:
            self._text = session.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from error
        self._environment = named_variables(self._text, os.environ)

    def difference(self, *, last: bool = True) -> ConfigChange:
        """Print what would change, and what stands against it. `last`: nothing follows, so -o json is for this."""
        out = self._session.print
        try:
            change = self._session.client.config_diff(
                self._text, self._environment, self._name, prune=self._prune
            )
        except Exception as error:
            raise self._told(error) from error
        if out.structured:
            if last or not change.changed or change.refusals:
                out.data(change.raw)
            return change
        print_diff(self._session, change.diff)
        warn(self._session, change.warnings)
        refuse(self._session, change.refusals, file=self._shown, text=self._text)
        if not change.changed:
            out.line(f"{self._shown} changes nothing.")
        elif last and not change.refusals:
            prune = " --prune" if self._prune else ""
            out.say(f"Nothing was changed yet. Next: im apply -f {self._shown}{prune}", "dim")
        return change

    def apply(self, *, force: bool) -> None:
        """Apply it and say which version is now in force."""
        try:
            change = self._session.client.config_apply(
                self._text, self._environment, self._name, force=force, prune=self._prune
            )
        except Exception as error:
            raise self._told(error) from error
        if self._session.print.data(change.raw):
            return
        self._session.print.done(
            f"{self._shown} applied: version {change.version} is in force."
            if change.changed
            else f"{self._shown} changes nothing; version {change.version} stays in force.",
            "im doctor",
        )

    def _told(self, error: Exception) -> Exception:
        """A refusal told with the lines of the file; any other error as it is."""
        from tocsin.client.errors import BadInput, Conflict

        if not isinstance(error, BadInput | Conflict):
            return error
        self._session.report(error, file=self._shown, text=self._text)
        return typer.Exit(exit_code(error))


def named_variables(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Those variables of the environment that the text names as ${NAME} outside of comment lines."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {name: environ[name] for name in sorted(set(_NAME.findall(code))) if name in environ}


def print_diff(session: Session, text: str) -> None:
    """Print a unified diff in colours, without what could drive the terminal."""
    for line in text.splitlines():
        style = ""
        if line.startswith(("+++", "---")):
            style = "bold"
        elif line.startswith(("+", "-", "@")):
            style = {"+": "green", "-": "red", "@": "cyan"}[line[0]]
        session.print.line("".join(c if c.isprintable() or c == "\t" else "�" for c in line), style)


def warn(session: Session, warnings: list[object]) -> None:
    """Say the warnings of a configuration, a line each."""
    for warning in warnings:
        session.print.say(f"Warning: {warning_text(warning)}", "yellow")


def refuse(session: Session, refusals: list[dict[str, Any]], *, file: str, text: str) -> None:
    """Say what an apply would be refused for, with its lines."""
    from tocsin.client.errors import Fault

    if not refusals:
        return
    session.print.say("Refused, because it would cost pages:", "red")
    faults = tuple(Fault(str(r.get("field", "")), str(r.get("message", "")), r.get("line")) for r in refusals)
    for line in fault_lines(faults, file=file, text=text):
        session.print.say(line)
    session.print.say("Next: mend what is named, or add --force if it is meant", "dim")


def warning_text(warning: object) -> str:
    """A warning of the configuration as one line: a sentence, or {field, message, line}."""
    if not isinstance(warning, dict):
        return plain(warning)
    line = f"line {warning['line']}: " if warning.get("line") else ""
    field = f"{warning['field']}: " if warning.get("field") else ""
    return plain(f"{line}{field}{warning.get('message', '')}")
