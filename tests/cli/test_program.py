"""The command as a program of its own: real terminal, Ctrl-C, start-up, help, and its documentation."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import Any

import pytest
import typer

from tocsin.cli.app import COMMANDS, build_app

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from tocsin.cli.app import build_app; build_app()(prog_name='im')"]


def every_command() -> list[list[str]]:
    """As the program itself knows them: a verb of a noun, or a word of its own."""
    group: Any = typer.main.get_command(build_app())
    root = group.make_context("im", [], resilient_parsing=True)
    found: list[list[str]] = []
    for name in COMMANDS:
        verbs = getattr(group.get_command(root, name), "commands", None)
        found += [[name, verb] for verb in verbs] if verbs else [[name]]
    return found


ALL = every_command()


def environ(hub: Any, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "PYTHONPATH")}
    return (
        kept
        | {"IM_URL": hub.url, "IM_TOKEN": "t", "TERM": "xterm-256color", "TZ": "UTC", "HOME": "/nonexistent"}
        | more
    )


def on_a_terminal(words: list[str], columns: int, env: dict[str, str]) -> str:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = subprocess.Popen([*PROGRAM, *words], stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    got = b""
    try:
        while part := os.read(master, 65536):
            got += part
    except OSError:  # Linux answers EIO when the other end is closed
        pass
    child.wait(10)
    os.close(master)
    return got.decode().replace("\r\n", "\n")


def test_a_real_terminal_gets_a_coloured_table_of_its_width(hub: Any) -> None:
    out = on_a_terminal(["list"], 70, environ(hub))
    assert "\x1b[" in out
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert lines[0].startswith("INCIDENT  SEVERITY")
    assert max(map(len, lines)) <= 70


def test_ctrl_c_while_following_is_130(hub: Any) -> None:
    hub.hold_stream = True
    child = subprocess.Popen(
        [*PROGRAM, "timeline", "7", "--follow"],
        env=environ(hub),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    seen = [child.stdout.readline() for _ in range(5)]
    assert b"acknowledged" in seen[-1]
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=10)
    assert child.returncode == 130
    assert b"Traceback" not in err


def test_a_reader_that_leaves_is_no_traceback(hub: Any) -> None:
    line = " ".join(f"'{word}'" for word in [*PROGRAM, "list", "-o", "json"][:1])
    ran = subprocess.run(
        ["bash", "-c", f'{line} -c "$0" list -o json | true', PROGRAM[2]],
        env=environ(hub), capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys; from tocsin.cli.app import build_app\n"
        "try: build_app()(['--help'], prog_name='im')\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    slow = {
        "rich",
        "msgspec",
        "http.client",
        "yaml",
        "ssl",
        "tocsin.client",
        "tocsin.cli.incidents",
        "pydantic",
        "aiohttp",
    }
    assert set(ran.stderr.split()) & slow == set()


def test_the_whole_programs_help_imports_neither_server_nor_loop() -> None:
    code = "import sys; sys.argv = ['im', '--help']; from tocsin.main import main\n"
    code += "try: main()\nexcept SystemExit: pass\nsys.stderr.write(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "  serve " in ran.stdout
    assert (
        set(ran.stderr.split()) & {"asyncio", "ssl", "logging", "yaml", "rich", "textual", "tocsin.daemon"}
        == set()
    )


def test_a_listing_in_a_pipe_imports_no_server(hub: Any) -> None:
    code = (
        "import sys; from tocsin.cli.app import build_app\n"
        "try: build_app()(['list'], prog_name='im')\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True, env=environ(hub)
    )
    assert (
        set(ran.stderr.split()) & {"rich", "aiohttp", "fastapi", "tocsin.core", "tocsin.cli.doctor"} == set()
    )
    assert "INC-7" in ran.stdout


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_help_begins_with_an_example_of_that_command(run: Any, words: list[str]) -> None:
    ran = run(*words, "--help")
    assert ran.code == 0
    assert ran.out.startswith("Example:\n  ")
    assert f"im {' '.join(words)}" in ran.out.partition("Usage:")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_overview_is_the_first_line_of_the_help(run: Any, name: str) -> None:
    text = run(name, "--help").out.partition("Usage:")[2].split("\n\n")[1]
    assert re.sub(r"\s+", " ", text).strip() == COMMANDS[name].summary


def test_commands_of_others_stand_in_their_section() -> None:
    app = build_app()

    @app.command("serve", rich_help_panel="Server")
    def serve() -> None:
        """Run the server."""

    from typer.testing import CliRunner

    ran = CliRunner().invoke(app, ["--help"])
    assert re.search(r"^  serve +Run the server\.$", ran.stdout.partition("Server:")[2], re.MULTILINE)
    assert CliRunner().invoke(app, ["serve"]).exit_code == 0


def test_the_reference_is_what_the_commands_say() -> None:
    from tocsin.cli.reference import reference

    assert (ROOT / "docs" / "cli.md").read_text() == reference(), (
        "python -m tocsin.cli.reference > docs/cli.md"
    )


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_is_in_the_reference(words: list[str]) -> None:
    assert f"### im {' '.join(words)}\n" in (ROOT / "docs" / "cli.md").read_text()


def test_two_sends_at_once_keep_both(hub: Any, tmp_path: Path) -> None:
    env = environ(hub, XDG_STATE_HOME=str(tmp_path), IM_URL="http://127.0.0.1:1")
    done: list[int] = []

    def one(n: int) -> None:
        words = [*PROGRAM, "send", "--title", f"alert {n}"]
        done.append(subprocess.run(words, env=env, capture_output=True, timeout=30, check=False).returncode)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [
        json.loads(path.read_text())["alerts"][0]["title"]
        for path in (tmp_path / "tocsin/spool").glob("*.json")
    ]
    assert done == [0, 0, 0, 0]
    assert sorted(kept) == [f"alert {n}" for n in range(4)]
