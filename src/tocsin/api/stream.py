"""What is happening right now, to everybody who listens: server-sent events.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html (read 2026-11-20). The database says which
incident changed; one pump reads it once and hands the same text to every listener. Ids are `<start of this
process>-<number>`: a listener that comes back from another process, or too late, is told to fetch anew (reset).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from pydantic import BaseModel

from tocsin.api import fleet, views
from tocsin.core.errors import Refusal, Unavailable
from tocsin.engine.hub import Hub, log
from tocsin.store import reading
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.reading import IncidentView, LineView

MOST_LISTENERS = 200
PING_SECONDS = 15.0
_MOST_KEPT = 500
_MOST_WAITING = 500
_MOST_MARKS = 5_000
_LOOK_BACK = timedelta(minutes=2)
_CONNECTORS_EVERY = 3.0
_GATHER_SECONDS = 0.05
_TOLD_AGAIN = 100
_RESET = "event: reset\ndata: {}\n\n"
_PING = "event: ping\ndata: {}\n\n"
"""An event and no comment, because a page cannot see comments and would not know a dead line from a quiet one."""


class _Listener:
    def __init__(self) -> None:
        self.waiting: asyncio.Queue[str | None] = asyncio.Queue(_MOST_WAITING)
        self.overflowed = False

    def put(self, text: str) -> None:
        try:
            self.waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.overflowed = True


class Stream:
    """One node's fan-out. Costs nothing while nobody listens."""

    def __init__(self, hub: Hub, *, ping_seconds: float = PING_SECONDS, most: int = MOST_LISTENERS) -> None:
        self._hub = hub
        self.ping_seconds, self._most = ping_seconds, most
        self._start = f"{int(hub.now().timestamp() * 1000):x}"
        self._number = 0
        self._kept: deque[tuple[int, str]] = deque(maxlen=_MOST_KEPT)
        self._listeners: set[_Listener] = set()
        self._changed: set[UUID] = set()
        self._bell = asyncio.Event()
        self._marks: OrderedDict[UUID, int] = OrderedDict()
        self._floor = 0
        self._since: datetime = hub.now()
        self._connectors: dict[str, str] = {}
        self._pump: asyncio.Task[None] | None = None
        self._stopped = False
        hub.changed.append(self.heard)

    def heard(self, incidents: str) -> None:
        """Incidents changed, somewhere: their ids, with a space between them. Called by whoever listens to the
        database."""
        if not self._listeners:
            # nobody reads it, so nobody may later be told that nothing happened
            self._number += 1
            self._kept.clear()
            return
        with suppress(ValueError):
            self._changed.update(map(UUID, incidents.split()))
            self._bell.set()

    async def listen(
        self, last_id: str, still_allowed: Callable[[], Awaitable[object]]
    ) -> AsyncIterator[str]:
        """The text of events, without end; a ping when nothing happens. `still_allowed` is asked at each ping
        and ends the stream by raising a refusal."""
        listener = self._join(last_id)
        try:
            await self._find_floor()
            yield _PING
            while True:
                try:
                    async with asyncio.timeout(self.ping_seconds):
                        text = await listener.waiting.get()
                except TimeoutError:
                    try:
                        await still_allowed()
                    except (Refusal, DatabaseAway):
                        return
                    text = _PING
                if text is None:
                    return
                if listener.overflowed:
                    listener.overflowed = False
                    while not listener.waiting.empty():
                        listener.waiting.get_nowait()
                    text = f"id: {self._id(self._number)}\n{_RESET}"
                yield text
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._pump is not None:
                self._pump.cancel()
                self._pump = None

    @property
    def stopped(self) -> bool:
        """True when the process stops: whoever waits is answered now."""
        return self._stopped

    def room(self) -> None:
        """Raises Unavailable when as many listen as may."""
        if self._stopped or len(self._listeners) >= self._most:
            raise Unavailable(
                f"{len(self._listeners)} listen already", retry_after_seconds=10, hint="close some pages"
            )

    def stop(self) -> None:
        """End every stream: the process stops."""
        self._stopped = True
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        for listener in self._listeners:
            listener.put("")
            with suppress(asyncio.QueueFull):
                listener.waiting.put_nowait(None)

    def _join(self, last_id: str) -> _Listener:
        self.room()
        listener = _Listener()
        if last_id:
            for text in self._missed(last_id):
                listener.put(text)
        self._listeners.add(listener)
        if self._pump is None:
            self._pump = asyncio.create_task(self._run(), name="stream")
        return listener

    def _missed(self, last_id: str) -> list[str]:
        start, _, number = last_id.partition("-")
        if start == self._start and number.isascii() and number.isdigit() and len(number) < 18:
            last = int(number)
            oldest = self._kept[0][0] if self._kept else self._number + 1
            if oldest - 1 <= last <= self._number:
                return [text for n, text in self._kept if n > last]
        return [f"id: {self._id(self._number)}\n{_RESET}"]

    def _id(self, number: int) -> str:
        return f"{self._start}-{number}"

    def _send(self, kind: str, data: bytes) -> None:
        self._number += 1
        text = f"id: {self._id(self._number)}\nevent: {kind}\ndata: {data.decode()}\n\n"
        self._kept.append((self._number, text))
        for listener in self._listeners:
            listener.put(text)

    # ---- the pump --------------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._since = self._hub.now() - _LOOK_BACK
        self._marks.clear()
        self._floor = -1
        next_look = 0.0
        while True:
            try:
                await self._find_floor()
                if loop.time() >= next_look:
                    next_look = loop.time() + _CONNECTORS_EVERY
                    await self._look_at_connectors()
                await self._tell_changes()
            except DatabaseAway:
                await asyncio.sleep(1)
            except Exception as fault:  # noqa: BLE001 - the loop's edge: listeners fetch anew
                log.error("stream_failed", fault=type(fault).__name__, message=str(fault)[:300])
                self._send("reset", b"{}")
                await asyncio.sleep(1)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(next_look - loop.time(), 0.01)):
                    await self._bell.wait()
                # what changes together is told together: a storm is read once
                await asyncio.sleep(_GATHER_SECONDS)

    async def _find_floor(self) -> None:
        """Lines up to here are the past, which a listener fetches. Some before it are told again, since a
        transaction under way may hold an earlier id; listeners know a line by its id."""
        if self._floor < 0:
            newest = await self._hub.database.read(reading.newest_line)
            self._floor = max(newest - _TOLD_AGAIN, 0)

    async def _tell_changes(self) -> None:
        self._bell.clear()
        if not self._changed:
            return
        taken = list(self._changed)[:_MOST_WAITING]
        try:
            views_of, lines = await self._hub.database.read(lambda c: self._read(c, taken))
        except BaseException:
            self._bell.set()
            raise
        self._changed.difference_update(taken)
        if self._changed:
            self._bell.set()
        for view in views_of.values():
            shape = views.incident(view, self._hub.policy)
            self._send("incident", _json(shape))
        for line in lines:
            if line.incident_id in views_of:
                name = views_of[line.incident_id].incident.name
                said = views.line(line).model_dump(mode="json") | {"incident": name}
                self._send("timeline", msgspec.json.encode(said))
            if line.incident_id is not None:
                self._mark(line.incident_id, line.id)

    async def _read(
        self, connection: Connection, ids: list[UUID]
    ) -> tuple[dict[UUID, IncidentView], list[LineView]]:
        found = await reading.incident_views(connection, ids)
        marks = {i: self._marks.get(i, self._floor) for i in ids}
        since = min(self._since, self._hub.now() - _LOOK_BACK)
        return found, await reading.new_lines(connection, marks, since)

    def _mark(self, incident: UUID, line: int) -> None:
        self._marks[incident] = max(line, self._marks.pop(incident, 0))
        if len(self._marks) > _MOST_MARKS:
            # whoever is forgotten here starts from the newest line known, not from the beginning
            _, mark = self._marks.popitem(last=False)
            self._floor = max(self._floor, mark)

    async def _look_at_connectors(self) -> None:
        for connector in (await fleet.fleet(self._hub)).connectors:
            told = f"{connector.breaker.state} {connector.queue} {connector.last_error}"
            before = self._connectors.get(connector.name)
            self._connectors[connector.name] = told
            if before is not None and before != told:
                self._send("connector", _json(connector))


def _json(shape: BaseModel) -> bytes:
    return shape.model_dump_json().encode()
