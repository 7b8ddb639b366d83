"""A real server, and a terminal or a pipe to run commands in."""

from __future__ import annotations

import importlib.util
import io
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli.app import build_app

_PATH = Path(__file__).parent.parent / "client" / "fake_hub.py"
_SPEC = importlib.util.spec_from_file_location("fake_hub", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
fake_hub = sys.modules.setdefault("fake_hub", importlib.util.module_from_spec(_SPEC))
if not hasattr(fake_hub, "Hub"):
    _SPEC.loader.exec_module(fake_hub)

NOW = datetime(2026, 11, 20, 2, 20, tzinfo=UTC)


class Stream(io.StringIO):
    """A text stream that says whether it is a terminal."""

    def __init__(self, text: str = "", *, tty: bool) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def hub() -> Iterator[Any]:
    made = fake_hub.filled(fake_hub.Hub())
    server = fake_hub.FakeServer(made)
    yield made
    server.stop()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Run `im` with these words. `tty`: stdout and stderr are a terminal of 100 columns; stdin as well unless given."""
    for name in ("IM_URL", "IM_TOKEN", "IM_OUTPUT", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TOCSIN_DATA",
                 "XDG_DATA_HOME", "DISPLAY", "WAYLAND_DISPLAY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    app = build_app(clock=lambda: NOW)

    def go(
        *words: str, tty: bool = False, stdin: str | None = None, asked: bool | None = None, **env: str
    ) -> Ran:
        out, err = Stream(tty=tty), Stream(tty=tty)
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(
                sys, "stdin", Stream(stdin or "", tty=tty and stdin is None if asked is None else asked)
            )
            try:
                app(list(words), prog_name="im")
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        return Ran(code, out.getvalue(), err.getvalue())

    yield go
    monkeypatch.undo()
    time.tzset()
