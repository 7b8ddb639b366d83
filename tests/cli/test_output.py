"""What every command prints in each form, what `im help` and `im api` add, and what Tab completes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli.completing import OF_OPTION
from tocsin.cli.failures import MEANING, Code

from .test_program import environ

FORMS = {
    "names": (["list", "-o", "name"], "INC-7\nINC-8\n"),
    "quiet": (["list", "--quiet"], "INC-7\nINC-8\n"),
    "one name": (["show", "7", "-o", "name"], "INC-7\n"),
    "connectors": (["connector", "list", "-o", "name"], "prod-pagerduty\nprod-opsgenie\n"),
    "no headers": (["connector", "list", "--no-headers"], None),
}


@pytest.mark.parametrize(("words", "out"), FORMS.values(), ids=FORMS)
def test_for_scripts(run: Any, hub: Any, words: list[str], out: str | None) -> None:
    ran = run(*words, IM_URL=hub.url)
    assert ran.code == 0
    if out is None:
        assert ran.out.splitlines()[0].startswith("prod-pagerduty\t")
    else:
        assert ran.out == out


def test_one_json_object_a_line(run: Any, hub: Any) -> None:
    names = [json.loads(line)["name"] for line in run("list", "-o", "jsonl", IM_URL=hub.url).out.splitlines()]
    assert names == ["INC-7", "INC-8"]


def test_chosen_fields(run: Any, hub: Any) -> None:
    assert json.loads(run("list", "--json", "name,severity", IM_URL=hub.url).out) == [
        {"name": "INC-7", "severity": "critical"},
        {"name": "INC-8", "severity": "medium"},
    ]
    assert json.loads(run("show", "7", "--json", "name", IM_URL=hub.url).out) == {"name": "INC-7"}
    assert json.loads(run("show", "7", "--json", "-", IM_URL=hub.url).out)["title"]
    refused = run("list", "--json", "nmae", IM_URL=hub.url)
    assert (refused.code, "there is no field nmae" in refused.err) == (2, True)


def test_colours_in_a_pipe_only_when_they_are_forced(run: Any, hub: Any) -> None:
    assert "\x1b[" not in run("list", "-o", "table", IM_URL=hub.url).out
    assert "\x1b[" in run("list", "-o", "table", IM_URL=hub.url, FORCE_COLOR="1").out
    assert "\x1b[" not in run("list", "-o", "table", IM_URL=hub.url, FORCE_COLOR="1", NO_COLOR="1").out


def test_help_lists_every_exit_code_and_variable(run: Any) -> None:
    codes = json.loads(run("help", "exit-codes", "-o", "json").out)["items"]
    assert [one["code"] for one in codes] == [code.value for code in Code] == [code.value for code in MEANING]
    names = run("help", "environment", "-o", "name").out.split()
    assert {
        "IM_URL",
        "IM_TOKEN",
        "IM_CONTEXT",
        "IM_OUTPUT",
        "NO_COLOR",
        "FORCE_COLOR",
        "XDG_STATE_HOME",
    } <= set(names)
    assert "im connector list" in run("help", "connector", "list").out
    assert run("help", "akc").code == 2


REFUSED = {401: Code.AUTH, 403: Code.AUTH, 404: Code.NOT_FOUND, 409: Code.CONFLICT, 412: Code.CONFLICT, 422: Code.FAILURE,
           429: Code.UNREACHABLE, 500: Code.FAILURE, 503: Code.UNREACHABLE, 504: Code.TIMEOUT}  # fmt: skip


@pytest.mark.parametrize(("status", "code"), REFUSED.items())
def test_each_refusal_has_its_exit_code(run: Any, hub: Any, status: int, code: Code) -> None:
    hub.refuse("GET", "/api/v1/incidents", status, "no")
    assert run("list", IM_URL=hub.url).code == code
    assert run("list", "--timeout", "0.1", IM_URL="http://127.0.0.1:1").code == Code.UNREACHABLE


def test_api_takes_fields_and_asks_a_get_by_query(run: Any, hub: Any) -> None:
    run("api", "GET", "incidents", "-f", "severity=high", "-F", "limit=5", IM_URL=hub.url)
    assert hub.seen[-1].query == {"severity": "high", "limit": "5"}
    run("api", "POST", "incidents", "-f", "title=12", "-F", "declared=true", IM_URL=hub.url)
    assert hub.seen[-1].body == {"title": "12", "declared": True}
    run("api", "POST", "incidents", "--input", "-", stdin='{"title": "x"}', IM_URL=hub.url)
    assert hub.seen[-1].body == {"title": "x"}
    assert run("api", "POST", "incidents", "--input", "-", "-f", "a=b", stdin="{}", IM_URL=hub.url).code == 2


def test_api_goes_through_jq_where_it_is(run: Any, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run("api", "incidents", "--jq", ".items[].name", IM_URL=hub.url)
    if shutil.which("jq"):
        assert ran.out == "INC-7\nINC-8\n"
        assert run("api", "incidents", "--jq", ".[", IM_URL=hub.url).code == 2
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "needs the program jq" in run("api", "incidents", "--jq", ".", IM_URL=hub.url).err


# ---- completion --------------------------------------------------------------------------------------------


def tab(hub: Any, line: str, tmp_path: Path, shell: str = "bash") -> list[str]:
    """What `im` answers to a Tab at the end of the line, as the shell's own script asks it."""
    words = line.split(" ")
    env = environ(hub, XDG_CACHE_HOME=str(tmp_path), _IM_COMPLETE=f"complete_{shell}", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1),
                  _TYPER_COMPLETE_ARGS=line, _TYPER_COMPLETE_FISH_ACTION="get-args")  # fmt: skip
    program = [sys.executable, "-c", "from tocsin.cli.app import build_app; build_app()(prog_name='im')"]
    ran = subprocess.run(program, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in ran.stderr
    return ran.stdout.split("\n")


LINES = {
    "commands": ("im ack", {"ack"}),
    "incidents": ("im ack IN", {"INC-7", "INC-8"}),
    "connectors": ("im connector status prod-p", {"prod-pagerduty"}),
    "a connector by option": ("im logs --connector prod-o", {"prod-opsgenie"}),
    "components": ("im logs --component web", {"webhook"}),
    "severities": ("im declare --sev SEV-1", {"SEV-1"}),
}


@pytest.mark.parametrize(("line", "found"), LINES.values(), ids=LINES)
def test_tab_completes_what_the_server_knows(hub: Any, tmp_path: Path, line: str, found: set[str]) -> None:
    assert {word for word in tab(hub, line, tmp_path) if word} == found


def test_a_server_that_is_away_completes_what_was_known(hub: Any, tmp_path: Path) -> None:
    tab(hub, "im ack I", tmp_path)
    (kept,) = (tmp_path / "im").iterdir()
    os.utime(kept, (1, 1))
    hub.refuse("GET", "/api/v1/incidents", 503, "not now")
    assert "INC-7" in tab(hub, "im ack I", tmp_path)
    assert kept.name.startswith("incidents-")


def test_every_option_that_names_something_is_completed() -> None:
    assert {"--incident", "--connector", "--service", "--context", "--component", "--sev"} <= set(OF_OPTION)


PRESS = {
    "bash": ["bash", "--norc", "-c", 'source "$0"; COMP_WORDS=(im ack IN); COMP_CWORD=2; _im_completion im; echo "${COMPREPLY[@]}"'],
    "zsh": ["zsh", "-f", "-c", 'autoload -Uz compinit; compinit -u -D; source "$0"; whence -w _im_completion'],
    "fish": ["fish", "--no-config", "-c", 'source $argv[1]; complete -C "im ack IN"'],
}  # fmt: skip


@pytest.mark.parametrize("shell", PRESS)
def test_each_shell_takes_its_script(run: Any, hub: Any, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here: apt install {shell}")
    script = tmp_path / f"im.{shell}"
    script.write_text(run("completion", shell).out)
    (tmp_path / "bin").mkdir()
    im = tmp_path / "bin/im"
    im.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from tocsin.cli.app import build_app; build_app()(prog_name=\'im\')" "$@"\n'
    )
    im.chmod(0o755)
    env = environ(hub, XDG_CACHE_HOME=str(tmp_path / "cache"), HOME=str(tmp_path))
    env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"
    ran = subprocess.run(
        [*PRESS[shell], str(script)],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    assert ("function" if shell == "zsh" else "INC-7") in ran.stdout, ran.stdout + ran.stderr
    assert run("completion", "tcsh").code == 2
