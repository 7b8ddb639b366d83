"""Is this database the one we knew, or an older copy? An older one is held: it pages nobody for what may be over (S48).

Each look raises a number in the database and remembers it in the data folder. Less than remembered = older.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec

from tocsin.core.errors import Conflict
from tocsin.core.hold import BARRIER, DOWN_FOR, HOLD_FOR, Hold
from tocsin.engine.acting import tell
from tocsin.engine.hub import Hub, log
from tocsin.store import marks
from tocsin.store.database import Connection
from tocsin.store.marks import Mark, WouldPage

FILE = "mark.json"
OLDER = "the database is older than what this hub remembers: a restored backup"
UNKNOWN = (
    "this data folder remembers no database, and nobody has used this one lately: perhaps a restored backup"
)
UNUSED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The highest number this data folder has seen, and of which installation."""

    installation: UUID
    number: int


class Watch:
    """One node's memory of the database. `look` is given each mark."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: Remembered | None = None
        self._looked = False

    async def look(self, mark: Mark) -> None:
        """Begin a hold, learn of one, or end one whose time is over."""
        hub = self._hub
        first = not self._looked
        if first:
            self._known = await self._read()
            self._looked = True
        known = self._known
        if known is not None and known.installation == hub.installation and mark.number <= known.number:
            await self._begin(known.number, OLDER)
        elif known is None and mark.number > 1 and mark.since_last > UNUSED_FOR:
            await self._begin(mark.number, UNKNOWN)
        else:
            await self._remember(Remembered(hub.installation, mark.number))
            hub.hold = mark.hold
        if first and mark.since_last > DOWN_FOR and await self._backlog():
            hub.barrier_until = hub.now() + BARRIER
            log.warning("backlog_found", down_seconds=int(mark.since_last.total_seconds()))
        if hub.hold is not None and hub.now() >= hub.hold.until:
            await end(hub, "two minutes passed")

    async def _begin(self, number: int, reason: str) -> None:
        hub, now = self._hub, self._hub.now()
        hold = Hold(since=now, until=now + HOLD_FOR, reason=reason)
        begun = await hub.database.transact(lambda c: self._began(c, hold, number + 1))
        hub.hold = hub.hold or hold
        await self._remember(Remembered(hub.installation, number + 1))
        if begun:
            waiting = await would_page(hub, hold)
            log.error(
                "hold", reason=reason, until=hold.until.isoformat(), would_page=len(waiting), next="im resume"
            )

    async def _began(self, connection: Connection, hold: Hold, number: int) -> bool:
        begun = await marks.begin_hold(connection, hold, self._hub.node, number)
        if begun:
            await tell(connection, self._hub, "hold.begin", "pages of before", text=hold.reason)
        return begun

    async def _backlog(self) -> bool:
        now = self._hub.now()
        return await self._hub.database.read(lambda c: marks.backlog(c, now))

    async def _read(self) -> Remembered | None:
        if self._hub.folder is None:
            return None
        try:
            return msgspec.json.decode((self._hub.folder / FILE).read_bytes(), type=Remembered)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as fault:
            log.error("mark_unreadable", message=str(fault)[:200])
            return None

    async def _remember(self, known: Remembered) -> None:
        """Written aside and renamed, without waiting for the disk: after a loss of power an earlier number
        may be there, which is as good."""
        self._known = known
        folder = self._hub.folder
        if folder is None:
            return

        def write() -> None:
            part = folder / f".{FILE}.part"
            part.write_bytes(msgspec.json.encode(known))
            part.replace(folder / FILE)

        try:
            await asyncio.to_thread(write)
        except OSError as fault:
            log.error("mark_not_written", message=str(fault))


async def would_page(hub: Hub, hold: Hold) -> list[WouldPage]:
    """What waits at the hold, the worst first."""
    return await hub.database.read(lambda c: marks.would_page(c, hold.since))


async def resume(hub: Hub, by: str) -> list[WouldPage]:
    """End the hold: what waits goes out now, and is given back. Raises Conflict when there is none."""
    hold = hub.hold or (await marks.beat(hub.database)).hold
    if hold is None:
        raise Conflict("Nothing is held: pages leave as ever", hint="`im doctor` tells how the hub is")
    waiting = await would_page(hub, hold)
    await end(hub, by)
    return waiting


async def end(hub: Hub, by: str) -> None:
    """The hold is over, here at once and at every other node with its next look."""

    async def work(connection: Connection) -> bool:
        over = await marks.end_hold(connection, by, hub.now())
        if over:
            await tell(connection, hub, "hold.end", "pages of before", text=by)
        return over

    ended = await hub.database.transact(work)
    hub.hold, hub.awake_since = None, hub.now()
    if ended:
        log.warning("hold_over", by=by)
    for bell in ("undecided", "effects", "timers"):
        hub.wake.ring(bell)
