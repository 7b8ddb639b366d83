"""What does docs/cli.md say? Made from the commands themselves: python -m tocsin.cli.reference > docs/cli.md."""

from __future__ import annotations

import re
import sys
from typing import Any

import typer

from tocsin.cli.app import ALERTS, COMMANDS, CONFIGURATION, INCIDENTS, SERVER, build_app
from tocsin.cli.command import EVERYWHERE
from tocsin.cli.failures import MEANING

_HEAD = """\
# The command `im`

<!-- made by: python -m tocsin.cli.reference > docs/cli.md -->

Every command is a call of the public API. Data goes to standard output, words about it to standard error. On a
terminal data is an aligned table; in a pipe it is TSV with a header line and UTC times. `-o json` prints the API's
own shape, `--json name,title` these fields of it, `-o jsonl` one object a line, `-o name` names alone. Severities are written either way: `critical` … `low` or `SEV-1` … `SEV-4`. An incident is `INC-7`,
`7` or its id.

The server is `--url`, else that of `--context`, else `IM_URL`, else that of `IM_CONTEXT` or of the current context, else
the address that the local server left in its data folder, else `http://127.0.0.1:8000`. The token is `--token-file`, else
that of a `--context`, else `IM_TOKEN`, else that of the context in force, else the local server's `admin-token`, which is
sent to this machine's own server alone; a context's token is sent to that context's server alone. The data folder is `TOCSIN_DATA`, else `$XDG_DATA_HOME/tocsin`, else
`~/.local/share/tocsin`.

`im send` works while the server is away: the alert is kept in `$XDG_STATE_HOME/tocsin/spool` (else
`~/.local/state/tocsin/spool`), the command says so and ends with 0. The next `im send` delivers first what waits, in
order, each under the key (`Idempotency-Key`) of its first try. What the server will never take goes to `rejected`
beside it. An alert that certainly never left carries the detail `spooled_at`.
"""


def reference() -> str:
    """The whole of docs/cli.md."""
    group: Any = typer.main.get_command(build_app())
    root = group.make_context("im", [], resilient_parsing=True)
    parts = [_HEAD, "## Exit codes\n\n| code | meaning |\n|---|---|"]
    parts[-1] += "".join(f"\n| {code.value} | {text} |" for code, text in MEANING.items()) + "\n"
    shared = ""
    for section in (INCIDENTS, ALERTS, CONFIGURATION, SERVER):
        parts.append(f"## {section}\n")
        for name in (name for name, entry in COMMANDS.items() if entry.section == section):
            command = group.get_command(root, name)
            context = typer.Context(command, info_name=name, parent=root)
            verbs = getattr(command, "commands", None)
            if verbs is None:
                text, shared = _one(command, root, name)
                parts.append(text)
            else:
                parts += [_one(verbs[verb], context, verb)[0] for verb in verbs]
    parts.append(f"## {EVERYWHERE}\n\n```\n{shared}\n```\n")
    return "\n".join(parts)


def _one(command: Any, parent: Any, name: str) -> tuple[str, str]:
    """One command's text, and the options that it shares with all."""
    context = typer.Context(command, info_name=name, parent=parent, terminal_width=98, max_content_width=98)
    text, _, shared = command.get_help(context).partition(f"{EVERYWHERE}:\n")
    text = re.sub(r"\n{3,}", "\n\n", text).rstrip()
    return f"### {context.command_path}\n\n```\n{text}\n```\n", shared.rstrip()


if __name__ == "__main__":
    sys.stdout.write(reference())
