"""The database is away: what comes is kept on disk, answered, and given back in order when it returns (S47).

door ── commit fails or takes too long ──▶ journal ── fsync ──▶ 2xx
watch ── a small write each second ──▶ answered again ──▶ replay ──▶ the door uses the database again
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from tocsin.core.alarm import INTEGRATION
from tocsin.core.dedup import Admission, Fresh, Reading, admit
from tocsin.core.errors import Busy, Later, Unavailable
from tocsin.core.hold import BARRIER
from tocsin.core.model import Action, Alert, AlertId, CorrelationId, Event
from tocsin.core.refused import Full
from tocsin.core.ring import Ring
from tocsin.core.severity import Severity
from tocsin.engine.clock import HubClock
from tocsin.engine.envelope import Admitted, Envelope
from tocsin.engine.hold import Watch
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.engine.keep_time import follow
from tocsin.engine.kept import Kept, Unreadable, decoded, encoded
from tocsin.engine.replay import TOGETHER, replay
from tocsin.journal import Journal, JournalFull, Segment
from tocsin.store import marks
from tocsin.store.database import DatabaseAway
from tocsin.store.intake import RawRequest

KEPT = "the database is away: kept on disk, and decided when it is back"
PROBE_SECONDS, REPLAY_SECONDS, LOOK_SECONDS = 3.0, 30.0, 1.0
FEW_BYTES = 256 * 1024
"""So little is given back while the door waits, so that nothing overtakes it."""

FULL = "journal-full"
_MOST_KNOWN, _MOST_HEARD = 100_000, 5

Name: TypeAlias = tuple[str, str]
"""Scope and dedup key."""


@dataclass(slots=True)
class Waiting:
    """One alert as the journal has it: what the blind pager judges by. `events` are its creates, the first
    and the latest."""

    alert: Alert
    events: list[Event] = field(default_factory=list)


class Keeper:
    """One node's journal. `keeping` = events go there; the hub's `away` = since when the database is away;
    `returning` = they are being given back; `arrive` = what is still to be done when the database is first seen."""

    def __init__(self, hub: Hub, folder: Path, clock: HubClock | None = None) -> None:
        self._hub, self.clock = hub, clock
        self._journal = Journal(folder)
        self._gate = asyncio.Lock()
        self._watch = Watch(hub)
        self.keeping = False
        self.full = False
        self._unwritten: Kept | None = None
        self.returning = False
        self._waited = False
        self.arrive: Callable[[], Awaitable[None]] | None = None
        self.waiting: dict[Name, Waiting] = {}
        self._ring: Ring | None = None
        self.requests = 0
        self.before_replay: list[Callable[[], Awaitable[None]]] = []
        self.when_back: list[Callable[[], Awaitable[None]]] = []
        hub.lost = self.lost

    async def open(self) -> None:
        """Take up what an earlier run left: until it is given back, nothing may overtake it."""
        names = await asyncio.to_thread(self._journal.names)
        for path in names:
            segment = await asyncio.to_thread(self._journal.read, path)
            for kept in _readable(segment):
                self._learn(kept)
        if names:
            self.keeping = True
            log.warning("journal_found", segments=len(names), requests=self.requests)

    async def close(self) -> None:
        """Let go of the journal: what is in it is the next run's."""
        async with self._gate:
            await asyncio.to_thread(self._journal.seal)

    def lost(self, fault: Exception) -> None:
        """The database did not take something, or did not answer in time."""
        if self._hub.away is None:
            self._hub.away = self._hub.now()
            log.error("database_lost", message=str(fault)[:200], kept="on disk, in the journal")
            self._hub.wake.ring("keeper")
        self.keeping = True

    async def keep(self, group: list[Envelope]) -> bool:
        """Keep these requests and answer them; False = the database is in use again: nothing was kept."""
        async with self._gate:
            if not self.keeping:
                return False
            await self._append([envelope for envelope in group if not envelope.done.done()])
            return True

    async def _append(self, group: list[Envelope]) -> None:
        ready: list[tuple[Envelope, Kept]] = []
        bodies: list[bytes] = []
        now = self._hub.now()
        for envelope in group:
            kept = Kept(
                raw=envelope.raw, scope=envelope.scope, events=envelope.events, names=_names(envelope, now)
            )
            try:
                bodies.append(encoded(kept))
                ready.append((envelope, kept))
            except ValueError as fault:
                why = "It cannot be kept while the database is away"
                _refuse(envelope, Unavailable(why, retry_after_seconds=10), fault)
        if not ready:
            return
        try:
            await asyncio.to_thread(self._journal.append, bodies, new_id(now))
        except JournalFull as fault:
            log.error("journal_full", message=str(fault), refused=len(ready))
            if not self.full:
                self.full = True
                self._say_full(now)
            for envelope, kept in ready:
                why = "The database is away and the disk is full: nothing was kept"
                _refuse(envelope, Busy(why, retry_after_seconds=10), fault)
                self._hub.refused.note(kept.raw.integration, kept.raw.remote_address, Full.DISK, now)
            return
        self.full = False
        for envelope, kept in ready:
            answers = self._learn(kept)
            if not envelope.done.done():
                envelope.done.set_result(answers)

    def _say_full(self, now: datetime) -> None:
        """The one word that is kept in memory alone: the blind pager pages it, and on return it becomes an
        alert that says what was refused."""
        event = Event(
            action=Action.CREATE, dedup_key=FULL, severity=Severity.CRITICAL, source=INTEGRATION,
            title="Tocsin refuses alerts: its database is away and its disk is full",
            description=f"{self._journal.folder} takes no more, and senders are told to come again; many never do. "
            "Make room on that disk, then bring the database back.",
        )  # fmt: skip
        raw = RawRequest(
            id=new_id(now), received_at=now, integration=INTEGRATION, source=INTEGRATION, method="", path="", query="",
            headers={}, body=event.title.encode(), remote_address="", reading="read",
        )  # fmt: skip
        names = [Fresh(AlertId(new_id(now)), CorrelationId(str(new_id(now))))]
        self._unwritten = Kept(raw=raw, scope=INTEGRATION, events=[event], names=names)
        self._learn(self._unwritten)

    def _learn(self, kept: Kept) -> list[Admitted]:
        """What the journal alone says of each event: an alert born before it is not known here."""
        self.requests += 1
        answers: list[Admitted] = []
        for event, fresh in zip(kept.events, kept.names, strict=True):
            known = self._known(kept.scope, event)
            admission = self._admitted(kept, event, fresh, known)
            alert = admission.alert
            if known is None and event.action in (Action.RESOLVE, Action.ACKNOWLEDGE):
                reading = Reading.RESOLVED if event.action is Action.RESOLVE else Reading.ACKNOWLEDGED
                answers.append(Admitted(None, "", "", False, reading, event.dedup_key, KEPT, kept=True))
                continue
            if alert is not None:
                self._note(alert, event)
            answers.append(
                Admitted(
                    alert.id if alert else None, alert.correlation_id if alert else "", alert.status.value if alert else "",
                    admission.reading is Reading.SAME, admission.reading,
                    admission.key or (alert.dedup_key if alert else event.dedup_key),
                    KEPT, kept=True,
                )
            )  # fmt: skip
        return answers

    def _known(self, scope: str, event: Event) -> Alert | None:
        if scope in self._hub.active.joining.scopes:
            return self._joined().owner(scope, event.dedup_key)
        known = self.waiting.get((scope, event.dedup_key)) if event.dedup_key else None
        return known.alert if known else None

    def _admitted(self, kept: Kept, event: Event, fresh: Fresh, known: Alert | None) -> Admission:
        raw, scope = kept.raw, kept.scope
        if scope in self._hub.active.joining.scopes and len(self.waiting) < _MOST_KNOWN:
            return self._joined().take(
                event, integration=raw.integration, scope=scope, source=raw.source, fresh=fresh, now=raw.received_at
            )  # fmt: skip
        return admit(
            event, known, integration=raw.integration, scope=scope, source=raw.source, fresh=fresh,
            now=raw.received_at,
        )  # fmt: skip

    def _joined(self) -> Ring:
        """What the journal knows of alerts that are joined by title (S11): as many pages as there are alerts."""
        if self._ring is None or self._ring.joining != self._hub.active.joining:
            self._ring = Ring(self._hub.active.joining)
            for waiting in self.waiting.values():
                self._ring.learn(waiting.alert, {})
        return self._ring

    def _note(self, alert: Alert, event: Event) -> None:
        name = (alert.scope, alert.dedup_key)
        if not alert.live:
            self.waiting.pop(name, None)
            return
        known = self.waiting.get(name)
        if known is None:
            if len(self.waiting) >= _MOST_KNOWN:
                return
            known = self.waiting[name] = Waiting(alert)
        known.alert = alert
        if event.action is Action.CREATE:
            if len(known.events) >= _MOST_HEARD:
                del known.events[1]
            known.events.append(event)

    # ---- and back ----------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Look every second, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as fault:  # noqa: BLE001 - the loop's edge
                log.exception("keeper_failed", fault=type(fault).__name__)
            await self._hub.wake.wait("keeper", LOOK_SECONDS)

    async def look(self) -> None:
        """Is the database there? A small write tells: one that only reads takes no alerts."""
        try:
            if self.arrive is not None:
                await self.arrive()
                self.arrive = None
            await self.meet()
            if self.keeping:
                await self._back()
        except DatabaseAway as fault:
            self.lost(fault)

    async def meet(self) -> None:
        """Ask the database how far it is: an older copy is held (S48). Before anything is sent from it."""
        clock = self.clock
        asked = clock.steady() if clock else 0.0
        mark = await self._hub.patience.within(PROBE_SECONDS, marks.beat(self._hub.database))
        if clock is not None:
            seen = clock.observe(mark.at, asked, clock.steady())
            await follow(self._hub, clock, seen, mark.since_last)
        await self._watch.look(mark)

    async def _back(self) -> None:
        self.returning = True
        try:
            await self._return()
        finally:
            self.returning = False

    async def _return(self) -> None:
        hub = self._hub
        if self.requests and not self._waited:
            # what was opened and resolved meanwhile must not page; once for each outage, or it never ends
            hub.barrier_until, self._waited = hub.now() + BARRIER, True
        for step in self.before_replay:
            await step()
        if not await hub.patience.all_ended(REPLAY_SECONDS):
            return  # one of those calls may yet commit what the journal has, too
        with self._journal.taken() as mine:
            if not mine or not await self._give_back():
                return
        since, hub.away = hub.away, None
        hub.awake_since = hub.now()
        log.warning("database_back", away_since=since.isoformat() if since else "", requests=self.requests)
        self.requests, self._waited = 0, False
        for connector in hub.policy.connectors:
            hub.wake.ring(f"courier {connector}")  # what is owed is written down now
        for step in self.when_back:
            await step()

    async def _give_back(self) -> bool:
        """Everything in order; the last little while the door waits. True = the door uses the database."""
        while True:
            async with self._gate:
                await asyncio.to_thread(self._journal.seal)
                paths = await asyncio.to_thread(self._journal.idle)
                if sum(path.stat().st_size for path in paths) <= FEW_BYTES:
                    for path in paths:
                        await self._give_back_one(path)
                    if await asyncio.to_thread(self._journal.names):
                        return False  # another process of this folder still writes to its own
                    await self._transact([self._unwritten] if self._unwritten else [])
                    self.keeping, self._unwritten = False, None
                    self.waiting.clear()
                    self._ring = None
                    return True
            for path in paths:
                await self._give_back_one(path)

    async def _give_back_one(self, path: Path) -> None:
        segment = await asyncio.to_thread(self._journal.read, path)
        whole = segment.cut is None
        for at in range(0, len(segment.records), TOGETHER):
            whole = await self._admit(segment.records[at : at + TOGETHER]) and whole
        if whole:
            await asyncio.to_thread(self._journal.remove, path)
            return
        aside = await asyncio.to_thread(self._journal.put_aside, path)
        lost = segment.cut.lost_bytes if segment.cut else 0
        log.error("journal_damaged", segment=str(aside), unreadable_bytes=lost)

    async def _admit(self, bodies: tuple[bytes, ...]) -> bool:
        """True when each record was readable and taken."""
        kept = [k for body in bodies if (k := _read(body)) is not None]
        try:
            await self._transact(kept)
        except DatabaseAway:
            raise
        except Exception as fault:  # noqa: BLE001 - one record must not hold up the others
            log.error("replay_failed", fault=type(fault).__name__, message=str(fault)[:300])
            taken = [await self._alone(one) for one in kept]
            return all(taken) and len(kept) == len(bodies)
        return len(kept) == len(bodies)

    async def _alone(self, kept: Kept) -> bool:
        try:
            await self._transact([kept])
        except DatabaseAway:
            raise
        except Exception as fault:  # noqa: BLE001 - kept aside with its segment, for people
            log.error(
                "record_not_replayed", request=str(kept.raw.id), fault=type(fault).__name__, message=str(fault)[:300]
            )  # fmt: skip
            return False
        return True

    async def _transact(self, kept: list[Kept]) -> None:
        hub = self._hub
        if kept:
            work = hub.database.transact(lambda c: replay(c, hub, kept))
            await hub.patience.within(REPLAY_SECONDS, work)
            hub.wake.ring("undecided")


def _names(envelope: Envelope, now: datetime) -> list[Fresh]:
    return [Fresh(AlertId(new_id(now)), CorrelationId(str(new_id(now)))) for _ in envelope.events]


def _readable(segment: Segment) -> Iterable[Kept]:
    return (kept for body in segment.records if (kept := _read(body)) is not None)


def _read(body: bytes) -> Kept | None:
    try:
        return decoded(body)
    except Unreadable as fault:
        log.error("journal_record_unreadable", message=str(fault)[:300])
        return None


def _refuse(envelope: Envelope, why: Later, cause: Exception) -> None:
    if not envelope.done.done():
        why.__cause__ = cause
        envelope.done.set_exception(why)
