"""Which commands are there, and which file holds each? Files are imported when their command is used.

`build_app()` gives a typer.Typer; more commands can be added to it with `app.command(name,
rich_help_panel="Server")(function)` and stand in `im --help` in the section of that name.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import typer

from tocsin.cli.command import ExampleFirstGroup, Root, wall_clock

INCIDENTS, ALERTS, CONFIGURATION, SERVER = "Incidents", "Alerts", "Configuration", "Server"


@dataclass(frozen=True, slots=True)
class Entry:
    """A command not imported yet: its module in this package, its section and its line in `im --help`."""

    module: str
    section: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "list": Entry(
        "incidents", INCIDENTS, "List incidents: those open or acknowledged, unless asked otherwise."
    ),
    "watch": Entry("watch", INCIDENTS, "Watch the open incidents, live, and acknowledge them."),
    "show": Entry("incidents", INCIDENTS, "Show one incident: state, services, what each provider knows."),
    "timeline": Entry("timeline", INCIDENTS, "Show what happened to an incident, step by step."),
    "declare": Entry("declare", INCIDENTS, "Open an incident by hand; the people of its services are paged."),
    "ack": Entry("acts", INCIDENTS, "Acknowledge incidents: say that you are on it."),
    "unack": Entry("hands", INCIDENTS, "Give incidents back: nobody has them any more."),
    "assign": Entry("hands", INCIDENTS, "Give incidents to somebody."),
    "escalate": Entry("hands", INCIDENTS, "Escalate incidents: ask further people now."),
    "merge": Entry("hands", INCIDENTS, "Merge incidents into another one: they are one thing."),
    "snooze": Entry("acts", INCIDENTS, "Snooze incidents: yours, but rung again later."),
    "resolve": Entry("acts", INCIDENTS, "Resolve incidents: say that it is over."),
    "close": Entry("acts", INCIDENTS, "Close incidents: put them away."),
    "reopen": Entry("acts", INCIDENTS, "Reopen incidents: it is not over."),
    "update": Entry("update", INCIDENTS, "Change an incident's title, text, severity or fields."),
    "note": Entry("acts", INCIDENTS, "Add a note to an incident's timeline."),
    "oncall": Entry(
        "oncall", INCIDENTS, "Show who is on call, as the providers say it, with the age of what they said."
    ),
    "sla": Entry("sla", INCIDENTS, "Look at what is promised: status, breaches, target, compliance."),
    "report": Entry("report", INCIDENTS, "Report on the incidents opened in a time."),
    "send": Entry("send", ALERTS, "Send an alert, or many; kept on disk while the server is away."),
    "explain": Entry("explain", ALERTS, "Explain why an alert went where it went, or would go."),
    "silence": Entry("silence", ALERTS, "Keep alerts quiet for a time: add, list, show, expire."),
    "maintenance": Entry("maintenance", ALERTS, "Plan maintenance windows: add, list, show, end."),
    "digest": Entry("digests", ALERTS, "Look at digests: list, show, send."),
    "apply": Entry("hub_file", CONFIGURATION, "Apply a configuration file, after showing what changes."),
    "diff": Entry("hub_file", CONFIGURATION, "Show what applying a configuration file would change."),
    "config": Entry("configs", CONFIGURATION, "Versions of the configuration: list, show, diff, rollback."),
    "connector": Entry(
        "connectors", CONFIGURATION, "Connectors: add, test, list, status, config, map, pause, sync …"
    ),
    "token": Entry("tokens", CONFIGURATION, "Manage API tokens: list, show, create, rotate, revoke."),
    "user": Entry("users", CONFIGURATION, "Look at users and invite them: list, show, invite."),
    "audit": Entry("audit", CONFIGURATION, "Who did what: list, show, tail, verify, export."),
    "context": Entry("context", SERVER, "Servers by name: list, use, add, show, remove."),
    "completion": Entry(
        "topics",
        SERVER,
        "Print what makes a shell complete this command: names of incidents, connectors and services too.",
    ),
    "help": Entry("topics", SERVER, "Explain exit codes, the environment, or a command."),
    "status": Entry("status", SERVER, "Show how the hub is: nodes, alarms, queues, connectors."),
    "metrics": Entry("metrics", SERVER, "Look at the hub in numbers: overview, connector."),
    "logs": Entry("logs", SERVER, "Show what the server's nodes said of their work."),
    "alarms": Entry("status", SERVER, "List what does not work in the hub itself."),
    "canary": Entry(
        "canary", SERVER, "Send a low page that goes the whole way to each connector, and ends by itself."
    ),
    "doctor": Entry("doctor", SERVER, "Check everything that must work before the night."),
    "resume": Entry(
        "server", SERVER, "End a hold: pages that waited because the database is an older copy leave now."
    ),
    "open": Entry("server", SERVER, "Open the dashboard, signed in."),
    "api": Entry("server", SERVER, "Call the API directly."),
    "version": Entry("server", SERVER, "Show the versions of this command and of the server."),
}


class LazyGroup(ExampleFirstGroup):
    """The commands of COMMANDS, each imported when it is used, and those added by others."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Ours first, in the order of COMMANDS, then the added ones."""
        return [*COMMANDS, *(name for name in self.commands if name not in COMMANDS)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command's file when it is one of ours."""
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            self.commands.update(_load(COMMANDS[cmd_name].module))
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does it, with the names of the unimported commands among the suggestions."""
        if args and args[0] not in COMMANDS and args[0] not in self.commands and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx))
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """An example first, then the commands in their sections."""
        super().format_help(ctx, formatter)
        _write_environment(formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section for each kind of command; nothing is imported for it."""
        sections: dict[str, list[tuple[str, str]]] = {
            INCIDENTS: [],
            ALERTS: [],
            CONFIGURATION: [],
            SERVER: [],
        }
        for name in self.list_commands(ctx):
            if entry := COMMANDS.get(name):
                sections[entry.section].append((name, entry.summary))
            elif not (added := self.commands[name]).hidden:
                panel = getattr(added, "rich_help_panel", None) or SERVER
                sections.setdefault(str(panel), []).append((name, added.get_short_help_str(80)))
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


_EXAMPLE = """\
im list                                    what is open
im ack INC-7 --note "looking at it"        say that you are on it
im send --title "disk full" --service web  raise an alert from a script"""


def build_app(clock: Callable[[], datetime] = wall_clock) -> typer.Typer:
    """The command `im` without the parts that run a server; `clock` answers an aware datetime."""
    app = typer.Typer(
        name="im",
        cls=LazyGroup,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        epilog=_EXAMPLE,
        context_settings={"max_content_width": 100, "help_option_names": ["--help", "-h"]},
    )

    @app.callback()
    def im(ctx: typer.Context) -> None:
        """Respond to incidents: see them, act on them, and find out why somebody was paged."""
        ctx.obj = Root(clock)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, ValueError):  # not every stream can be told
                stream.reconfigure(errors="replace")  # type: ignore[union-attr]

    return app


def _load(module: str) -> dict[str, Any]:
    """The commands of one file; a file with several that is one noun gives a group of its own."""
    from typer.main import get_command

    loaded = importlib.import_module(f"tocsin.cli.{module}")
    if isinstance(loaded.app.info.name, str):
        return {loaded.app.info.name: get_command(loaded.app)}
    return {name: made for name, made in _made(loaded.app).items() if name in COMMANDS}


def _made(app: typer.Typer) -> dict[str, Any]:
    from typer.main import get_command_from_info

    made = {}
    for info in app.registered_commands:
        command = get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)
        made[str(command.name)] = command
    return made


def _write_environment(formatter: Any) -> None:
    with formatter.section("Environment"):
        formatter.write_dl(
            [
                ("IM_URL", "The server (default: the local one, else http://127.0.0.1:8000)."),
                ("IM_TOKEN", "An API token (default: the local server's, if this user may read it)."),
                ("IM_CONTEXT", "A server by name (im context list has them)."),
                ("IM_OUTPUT", "The default of -o."),
                ("NO_COLOR", "No colours; FORCE_COLOR has them in a pipe too. All: im help environment."),
            ]
        )
    with formatter.section("Exit codes"):
        formatter.write_text(
            "0 ok, 1 failure, 2 usage, 3 not found, 4 authentication, 5 conflict, 6 unreachable, "
            "7 partly done, 8 check failed, 124 timeout, 130 interrupted"
        )
