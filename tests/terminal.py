"""A terminal beside a rig: `im` as somebody types it, against the hub of the story."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rig import ADMIN_TOKEN, Rig
from tocsin.cli.app import build_app


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class _Stream(io.StringIO):
    def __init__(self, text: str = "", *, tty: bool) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


async def im(
    rig: Rig, *words: str, tty: bool = True, columns: int = 120, typed: str | None = None, **environ: str
) -> Said:
    """Run `im` with these words on a thread, so that the hub answers meanwhile; without colours. `typed` = somebody
    sits there and types this, or (without a terminal) it is the standard input."""

    def go() -> Said:
        given = {"IM_URL": rig.daemon.url, "IM_TOKEN": ADMIN_TOKEN, "COLUMNS": str(columns), "NO_COLOR": "1"}
        with _streams(tty, given | environ, typed) as (out, err):
            try:
                build_app(clock=rig.clock)(list(words), prog_name="im")
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        return Said(code, out.getvalue(), err.getvalue())

    return await asyncio.to_thread(go)


class _Split:
    """The stream of one thread; every other, the hub's among them, goes on with the one before."""

    def __init__(self, own: _Stream, others: Any) -> None:
        self._own, self._others, self._thread = own, others, threading.get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own if threading.get_ident() == self._thread else self._others, name)


@contextmanager
def _streams(tty: bool, environ: dict[str, str], typed: str | None) -> Iterator[tuple[_Stream, _Stream]]:
    """Called on the thread that runs the command."""
    out, err = _Stream(tty=tty), _Stream(tty=tty)
    before, kept = dict(os.environ), (sys.stdout, sys.stderr, sys.stdin)
    os.environ.update(environ)
    sys.stdout, sys.stderr = _Split(out, kept[0]), _Split(err, kept[1])  # type: ignore[assignment]
    sys.stdin = _Stream(typed or "", tty=tty and typed is not None)
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr, sys.stdin = kept
        os.environ.clear()
        os.environ.update(before)
