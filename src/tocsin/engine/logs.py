"""Where do the hub's own log lines go, so that somebody can ask for them later? (ADR 0032)

To standard error as always, and in memory; from there, a moment later and in batches, into the database, where the lines
of all nodes meet. Nobody who says something waits for that, and while the database is away the node answers from memory.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import structlog

from tocsin.core.logline import Level, LogLine, Sieve, Wanted, component_of
from tocsin.core.redact import Redactor
from tocsin.store import log_lines
from tocsin.store.database import Connection, Database, DatabaseAway

BELL = "logs"
SHIP_SECONDS = 0.5
MOST_WAITING, MOST_SHOWN, MOST_TOGETHER = 10_000, 2_000, 1_000
_LONGEST = 8_000
_NOBODY = UUID(int=0)
_EMPTY = Redactor(())
_KEPT_APART = ("event", "level", "timestamp", "component", "connector", "incident", "message", "exception")


@dataclass(slots=True)
class Logs:
    """One node's own lines. `hides` gives the redactor of the configuration in force.

    `waiting` are those that the database has not got; the oldest go when they are too many, and that is said.
    `shipped` = the number of the last one that it has; `begins` and `ends` = the database's last line before the first
    that was given to it, and after the last.
    """

    now: Callable[[], datetime]
    node: UUID = _NOBODY
    name: str = ""
    hides: Callable[[], Redactor] = lambda: _EMPTY
    waiting: deque[LogLine] = field(default_factory=deque)
    shown: deque[LogLine] = field(default_factory=lambda: deque(maxlen=MOST_SHOWN))
    shipped: int = 0
    begins: int | None = None
    ends: int = 0
    lost: int = 0
    sieve: Sieve = field(default_factory=Sieve)
    _seq: int = 0

    def keep(self, level: Level, event: str, said: Mapping[str, Any]) -> None:
        """One line; costs no more than putting it into memory. What it says has no credential in it any more."""
        self._seq += 1
        data = {name: _plain(value) for name, value in said.items() if name not in _KEPT_APART}
        text = _plain(str(said.get("message") or event.replace("_", " ")))
        if trace := said.get("exception"):
            data["exception"] = _plain(str(trace)[-_LONGEST:])
        line = LogLine(
            at=self.now(), seq=self._seq, level=level, component=str(said.get("component") or component_of(event)), event=event,
            text=text[:_LONGEST], connector=str(said.get("connector") or ""), incident=str(said.get("incident") or ""), data=data,
        )  # fmt: skip
        self.shown.append(line)
        self.waiting.append(line)
        if len(self.waiting) > MOST_WAITING:
            self.waiting.popleft()
            self.lost += 1

    async def ship(self, database: Database) -> int:
        """Give the database what it has not got, at most MOST_TOGETHER; how many. Raises DatabaseAway."""
        if self.lost:
            lost, self.lost = self.lost, 0
            self.keep(
                Level.WARNING,
                "lines_lost",
                {"message": f"{lost} lines of this log were not kept: there were too many at once"},
            )
        some = list(islice(self.waiting, MOST_TOGETHER))
        if not some:
            return 0

        async def write(connection: Connection) -> tuple[int, int]:
            before = await log_lines.last_id(connection) if self.begins is None else self.begins
            await log_lines.add(connection, some, node=self.node, name=self.name)
            return before, await log_lines.last_id(connection)

        try:
            self.begins, self.ends = await database.transact(write)
        except DatabaseAway:
            raise
        except Exception as fault:  # noqa: BLE001 - one line that cannot be stored must not hold up all that follow
            self.lost += len(some)
            sys.stderr.write(f"lines of the log were not kept: {type(fault).__name__}\n")
        self.shipped = some[-1].seq
        while self.waiting and self.waiting[0].seq <= self.shipped:
            self.waiting.popleft()
        return len(some)

    def newest(self, wanted: Wanted, most: int) -> list[LogLine]:
        """The newest of this run that fit, the oldest of them first."""
        found = list(islice((line for line in reversed(self.shown) if wanted.fits(line)), most))
        return found[::-1]

    def after(self, seq: int, wanted: Wanted, most: int) -> tuple[list[LogLine], int]:
        """Those behind number `seq` that fit, the oldest first; and the number of the last one looked at."""
        found: list[LogLine] = []
        for line in self.shown:
            if line.seq > seq:
                seq = line.seq
                found += [line] if wanted.fits(line) else []
                if len(found) == most:
                    break
        return found, seq


_here: ContextVar[Logs | None] = ContextVar("logs", default=None)


def here(logs: Logs | None) -> None:
    """What is said by this task from now on, and by those that it starts, is this node's."""
    _here.set(logs)


def around(app: Any, logs: Logs) -> Any:
    """The application, whose requests speak for this node."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        _here.set(logs)
        await app(scope, receive, send)

    return asked


async def ship_all(logs: Logs, database: Database) -> None:
    """Everything that waits, before the process ends; what cannot be given is on standard error."""
    try:
        while await logs.ship(database):
            pass
    except DatabaseAway:
        return


def hide(_logger: Any, _method: str, said: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor: no credential goes further than here."""
    logs = _here.get()
    redactor = logs.hides() if logs is not None else _EMPTY
    for name, value in said.items():
        if isinstance(value, str):
            said[name] = redactor.text(value)
        elif value is not None and not isinstance(value, bool | int | float):
            said[name] = redactor.value(value)
    return said


def keep(_logger: Any, method: str, said: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor: the line is kept by the node that speaks."""
    if (logs := _here.get()) is not None:
        logs.keep(Level.named(method), str(said.get("event", "")), said)
    return said


def set_up(style: str, *, level: int = logging.INFO) -> None:
    """Structured lines on standard error, for people or one JSON object a line; the same lines for `im logs`."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide,
            keep,
            _only_from(level),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(min(level, logging.DEBUG)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def debugged(environment: Mapping[str, str], types: Iterable[str]) -> frozenset[str]:
    """The types of connector whose every call is told: `<TYPE>_DEBUG=true`."""
    return frozenset(kind for kind in types if environment.get(switch_of(kind), "").strip().lower() in _ON)


def switch_of(kind: str) -> str:
    """The variable of a type of connector."""
    return f"{kind.upper().replace('-', '_')}_DEBUG"


_ON = ("1", "true", "yes", "on")


def _only_from(level: int) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """Less than `level` is kept and not printed."""

    def drop(_logger: Any, method: str, said: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if Level.named(method) < level:
            raise structlog.DropEvent
        return said

    return drop


def _plain(value: Any) -> Any:
    """As the database can hold it."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else _plain(str(value))
