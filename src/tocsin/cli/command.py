"""What do all commands share? Their options, an example at the top of --help, and one way to fail."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

from tocsin.cli.failures import Failure, exit_code, fault_lines, next_step
from tocsin.cli.places import Places, find_places
from tocsin.cli.printing import Given, Printer

if TYPE_CHECKING:
    from tocsin.client import Client, ClientError

EVERYWHERE = "Options of every command"


def wall_clock() -> datetime:
    """The time now, in UTC: the edge of the program is where the clock is read."""
    return datetime.now(UTC)  # noqa: TID251


@dataclass(frozen=True, slots=True)
class Root:
    """What the whole command line works with; tests give their own clock."""

    clock: Callable[[], datetime] = wall_clock


@dataclass(slots=True)
class Session:
    """What one command works with: its printer, its places, the time, and the client when it needs one. `typed` = typer's
    own context of the command."""

    places: Places
    print: Printer
    clock: Callable[[], datetime]
    timeout: float = 10.0
    utc: bool = False
    ask: bool = False
    token_file: str = ""
    typed: Any = None
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    _client: Client | None = None

    @property
    def client(self) -> Client:
        """The client of the server in force."""
        if self._client is None:
            from tocsin import __version__
            from tocsin.client import Client

            agent = f"im/{__version__}"
            self._client = Client(
                self.places.url, self.places.token or None, timeout=self.timeout, agent=agent
            )
        return self._client

    def fresh(self) -> None:
        """Have the next request made by a new client: its waiting time was changed."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def report(self, error: ClientError | Failure, *, file: str = "", text: str = "") -> None:
        """Say on stderr what happened, to what, and what to do next; `file` and `text` show the lines."""
        self.print.say(f"Error: {error}", "red")
        for line in fault_lines(getattr(error, "faults", ()), file=file, text=text):
            self.print.say(line)
        if step := next_step(error, self.places.url):
            self.print.say(f"Next: {step}", "dim")

    def confirm(self, question: str) -> bool:
        """Ask yes or no on the terminal; no is the default."""
        self.print.err.write(f"{question} [y/N] ")
        self.print.err.flush()
        return self.stdin.readline().strip().lower() in ("y", "yes")


_Output = Annotated[
    str,
    typer.Option(
        "--output", "-o", envvar="IM_OUTPUT", metavar="FORMAT", rich_help_panel=EVERYWHERE,
        help="table, wide, tsv, json, jsonl, yaml or name. Default: table on a terminal, tsv in a pipe.",
    ),
]  # fmt: skip
_Url = Annotated[
    str,
    typer.Option("--url", metavar="URL", rich_help_panel=EVERYWHERE, help="The server. Default: IM_URL, else the local one."),
]  # fmt: skip
_TokenFile = Annotated[
    str,
    typer.Option("--token-file", metavar="FILE", rich_help_panel=EVERYWHERE, help="A file with the token. Default: IM_TOKEN."),
]  # fmt: skip
_Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", min=0.1, rich_help_panel=EVERYWHERE, help="How long to wait for an answer."),
]  # fmt: skip
_Context = Annotated[
    str,
    typer.Option("--context", metavar="CONTEXT", rich_help_panel=EVERYWHERE, help="A server by name (im context list has them). Default: IM_CONTEXT, else the current one."),
]  # fmt: skip
_Json = Annotated[
    str,
    typer.Option("--json", metavar="FIELDS", rich_help_panel=EVERYWHERE, help="JSON with these fields alone: --json name,title; - is all."),
]  # fmt: skip
_NoHeaders = Annotated[
    bool,
    typer.Option("--no-headers", rich_help_panel=EVERYWHERE, help="Tables and TSV without their first line."),
]
_Quiet = Annotated[
    bool, typer.Option("--quiet", rich_help_panel=EVERYWHERE, help="Names alone, and no advice: for $( … ).")
]
_Utc = Annotated[bool, typer.Option("--utc", rich_help_panel=EVERYWHERE, help="Show times in UTC.")]
_NoColor = Annotated[
    bool, typer.Option("--no-color", rich_help_panel=EVERYWHERE, help="No colours; NO_COLOR does the same.")
]
_NoInput = Annotated[
    bool, typer.Option("--no-input", rich_help_panel=EVERYWHERE, help="Never ask; fail instead.")
]

_SHARED: dict[str, tuple[Any, Any]] = {
    "output": (_Output, ""),
    "url": (_Url, ""),
    "token_file": (_TokenFile, ""),
    "context": (_Context, ""),
    "timeout": (_Timeout, 10.0),
    "json": (_Json, ""),
    "no_headers": (_NoHeaders, False),
    "quiet": (_Quiet, False),
    "utc": (_Utc, False),
    "no_color": (_NoColor, False),
    "no_input": (_NoInput, False),
}


def write_example(formatter: Any, text: str | None) -> None:
    """Put the example at the top of a --help; long lines of it stay whole, to be copied."""
    with formatter.section("Example"):
        for line in (text or "").splitlines():
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
    formatter.write("\n")


class ExampleFirstGroup(TyperGroup):
    """A noun with verbs whose --help begins with an example."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Example, usage, what it is, its verbs."""
        write_example(formatter, self.epilog)
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)


class ExampleFirst(TyperCommand):
    """A command whose --help begins with an example; typer's `epilog` carries it."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Example, usage, what it does, its own options, the options of every command."""
        write_example(formatter, self.epilog)
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, own options, shared options."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], EVERYWHERE: []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            kind = "Arguments" if param.param_type_name == "argument" else "Options"
            shared = getattr(param, "rich_help_panel", None) == EVERYWHERE or param.name == "help"
            names = record[0].partition(" <")[0] if kind == "Arguments" else record[0]
            groups[EVERYWHERE if shared else kind].append((names, record[1]))
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def command(
    app: typer.Typer, name: str, *, example: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register `function(session, **own options)` as the command `name`; its docstring is its help."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        text = inspect.getdoc(function) or ""
        app.command(
            name, cls=ExampleFirst, epilog=example, help=text, short_help=text.partition("\n")[0],
            context_settings={"max_content_width": 100, "help_option_names": ["--help", "-h"]},
        )(_entry(function))  # fmt: skip
        return function

    return register


def _entry(function: Callable[..., None]) -> Callable[..., None]:
    """The function as typer sees it: with the shared options, which become its session."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    kind = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("ctx", kind, annotation=typer.Context)
    shared = [
        inspect.Parameter(name, kind, annotation=hint, default=default)
        for name, (hint, default) in _SHARED.items()
    ]
    parameters = [context, *(one.replace(kind=kind) for one in own), *shared]
    _completed(function.__module__.rpartition(".")[2], parameters)

    def run(ctx: typer.Context, **given: Any) -> None:
        root = ctx.obj if isinstance(ctx.obj, Root) else Root()
        options = {name: given.pop(name) for name in _SHARED}
        with failing_well(root, **options) as session:
            session.typed = ctx
            function(session, **given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__name__ = function.__name__
    return run


def _completed(module: str, parameters: Sequence[inspect.Parameter]) -> None:
    """Arguments and options that name something the server knows are completed by asking it."""
    from tocsin.cli.completing import completion_of

    group = {"connectors": "connector"}.get(module, module)
    for parameter in parameters:
        for info in getattr(parameter.annotation, "__metadata__", ()):
            if getattr(info, "autocompletion", "") is None and (found := completion_of(info, group)):
                info.autocompletion = found


@contextlib.contextmanager
def failing_well(
    root: Root,
    *,
    output: str,
    url: str,
    token_file: str,
    timeout: float,
    context: str = "",
    json: str = "",
    no_headers: bool = False,
    quiet: bool = False,
    utc: bool,
    no_color: bool,
    no_input: bool,
) -> Iterator[Session]:
    """Make the session; turn the errors of ours and of the client into words and an exit code."""
    session: Session | None = None
    try:
        given = Given(fields=json, no_headers=no_headers, quiet=quiet)
        printer = Printer(sys.stdout, sys.stderr, os.environ, format=output, color=not no_color, given=given)
        session = Session(
            find_places(os.environ, url=url, token_file=token_file, context=context),
            printer,
            root.clock,
            timeout=timeout,
            utc=utc,
            token_file=token_file,
            ask=not no_input and sys.stdin.isatty() and sys.stderr.isatty(),
        )
        yield session
        sys.stdout.flush()  # a closed pipe is noticed here and not while the interpreter ends
    except Exception as error:
        if not _is_ours(error):
            raise
        if session is not None:
            session.report(error)  # type: ignore[arg-type]
        else:
            hint = getattr(error, "hint", "")
            sys.stderr.write(f"Error: {error}\n" + (f"Next: {hint}\n" if hint else ""))
        raise typer.Exit(exit_code(error)) from None
    finally:
        if session is not None and session._client is not None:
            session._client.close()


def _is_ours(error: Exception) -> bool:
    if isinstance(error, Failure):
        return True
    errors = sys.modules.get("tocsin.client.errors")  # not imported = not raised
    return errors is not None and isinstance(error, errors.ClientError)
