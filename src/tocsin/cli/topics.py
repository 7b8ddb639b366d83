"""`im completion SHELL` and `im help TOPIC`: what a shell needs, and what a script must know."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import MEANING, Usage
from tocsin.cli.printing import Column

app = typer.Typer()

SHELLS = ("bash", "zsh", "fish")
_WHERE = {
    "bash": "im completion bash > ~/.local/share/bash-completion/completions/im",
    "zsh": "im completion zsh > ~/.zfunc/_im    (with fpath+=~/.zfunc before compinit in ~/.zshrc)",
    "fish": "im completion fish > ~/.config/fish/completions/im.fish",
}

ENVIRONMENT: tuple[tuple[str, str], ...] = (
    (
        "IM_URL",
        "The server. Default: the current context, else the local server, else http://127.0.0.1:8000.",
    ),
    (
        "IM_TOKEN",
        "An API token. Default: that of the context, else the local server's, if this user may read it.",
    ),
    ("IM_CONTEXT", "The context, as --context."),
    ("IM_OUTPUT", "The default of -o."),
    ("NO_COLOR", "Anything: no colours (https://no-color.org)."),
    ("FORCE_COLOR", "Anything: colours in a pipe too."),
    ("COLUMNS", "The width, where there is no terminal to ask."),
    ("TZ", "The time zone of what is shown; --utc shows UTC."),
    ("TOCSIN_DATA", "The data folder of the local server, where its address and token are found."),
    ("XDG_CONFIG_HOME", "im/config.yaml in it holds the contexts. Default: ~/.config."),
    (
        "XDG_STATE_HOME",
        "im/tokens in it holds their tokens, tocsin/spool what im send could not send. Default: ~/.local/state.",
    ),
    ("XDG_CACHE_HOME", "im in it holds names for completion, for some seconds. Default: ~/.cache."),
)


@command(app, "completion", example="\n".join(line for line in _WHERE.values()))
def completion(
    session: Session, shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]
) -> None:
    """Print what makes a shell complete this command: names of incidents, connectors and services too."""
    if shell not in SHELLS:
        raise Usage(f"{shell!r} is no shell that can be completed in", hint=f"use {', '.join(SHELLS)}")
    from typer._completion_shared import get_completion_script

    session.print.line(get_completion_script(prog_name="im", complete_var="_IM_COMPLETE", shell=shell))
    if session.print.tty:
        session.print.say(f"Keep it: {_WHERE[shell]}", "dim")


_CODES = (Column("CODE", right=True), Column("MEANING", flex=True))
_NAMES = (Column("VARIABLE"), Column("MEANING", flex=True))


@command(app, "help", example="im help exit-codes\nim help environment\nim help ack")
def help_(
    session: Session,
    topic: Annotated[
        str, typer.Argument(metavar="TOPIC", help="exit-codes, environment, or a command.")
    ] = "",
    verb: Annotated[str, typer.Argument(metavar="VERB", help="The verb of a noun.")] = "",
) -> None:
    """Explain exit codes, the environment, or a command."""
    if topic in ("exit-codes", "exit-code"):
        codes = [{"code": code.value, "meaning": text} for code, text in MEANING.items()]
        if not session.print.data({"items": codes}):
            session.print.rows(_CODES, codes, lambda one: [one["code"], one["meaning"]], none="", whole=True)
    elif topic == "environment":
        names = [{"name": name, "meaning": text} for name, text in ENVIRONMENT]
        if not session.print.data({"items": names}):
            session.print.rows(_NAMES, names, lambda one: [one["name"], one["meaning"]], none="", whole=True)
    else:
        session.print.line(_of_command(session.typed, topic, verb))


def _of_command(typed: Any, name: str, verb: str) -> str:
    """What `im NAME VERB --help` says; of `im` itself without a name."""
    context = typed.find_root()
    for word in filter(None, (name, verb)):
        group = context.command
        inner = group.get_command(context, word) if hasattr(group, "get_command") else None
        if inner is None:
            raise Usage(
                f"there is no topic or command {word!r}",
                hint="im help exit-codes, im help environment, im --help",
            )
        context = type(context)(inner, info_name=word, parent=context)
    return str(context.command.get_help(context)).rstrip()
