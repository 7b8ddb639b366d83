"""The door: requests that wait together are stored together, and answered only when they are on disk.

One natural group commit: while one transaction runs, the next requests gather; then they go together.
Identical repeats of a live alert take a short way: one statement that counts them (docs/adr/0006).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from tocsin.core.dedup import Admission, Fresh, Reading, admit
from tocsin.core.errors import Busy, TooLarge, Unavailable
from tocsin.core.model import Action, Alert, AlertId, CorrelationId, Event
from tocsin.core.refused import Full
from tocsin.core.ring import Ring
from tocsin.engine import aliases
from tocsin.engine.envelope import Admitted, Beside, Envelope, fingerprint
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.engine.refused import BELL
from tocsin.store import intake
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.intake import Counted, Door, EventRow, RawRequest, Repeat

MOST_WAITING = 20_000
"""Events waiting to be stored; above that the sender is asked to come again (S17)."""

MOST_TOGETHER = 2_000
SLOW_SECONDS = 5.0
"""A commit that takes longer is given up, and its requests are kept beside the database (S47)."""
_MOST_HINTS = 50_000
SEVERAL = b"several keys"
"""No event's fingerprint: repeats of an alert with several keys all go the long way, which notes whose they are."""

Name: TypeAlias = tuple[str, str, bytes]
"""Scope, dedup key and fingerprint: what an identical repeat is recognised by."""


class Doorway:
    """Takes envelopes, commits them in groups, and answers each when it is durable."""

    def __init__(self, hub: Hub, beside: Beside | None = None) -> None:
        self._hub, self._beside = hub, beside
        self._waiting: list[Envelope] = []
        self._events_waiting = 0
        self._bell = asyncio.Event()
        self.open = self._closed = False
        self._hints: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    async def admit(
        self,
        raw: RawRequest | Callable[[], RawRequest],
        scope: str,
        events: Sequence[Event],
        prints: Sequence[bytes] | None = None,
    ) -> list[Admitted]:
        """Store one request; returns once it is durable, one result per event, in order. `raw` may be how to
        make it; `prints` are the events' fingerprints, where the caller knows them.

        Raises Busy when the queue or the disk is full, Unavailable when this hub stops or the database cannot take it:
        nothing was stored then.
        """
        self._look_at(events)
        self._see_that_there_is_room(raw, len(events))
        envelope = Envelope(raw, scope, events, prints, asyncio.get_running_loop().create_future())
        self._waiting.append(envelope)
        self._events_waiting += len(events)
        self._bell.set()
        return await envelope.done

    async def admit_alone(
        self, raw: RawRequest | Callable[[], RawRequest], scope: str, events: Sequence[Event]
    ) -> list[Admitted]:
        """The same in a transaction of its own, which may be part of its caller's: slower, for a request whose
        answer must be kept together with it. Raises DatabaseAway; nothing was stored then."""
        self._look_at(events)
        self._see_that_there_is_room(raw, 0)
        envelope = Envelope(raw, scope, events, None, asyncio.get_running_loop().create_future())
        now = self._hub.now()
        (answer,), _ = await self._hub.database.transact(
            lambda c: _admit_group(c, [envelope], now, self._hub)
        )
        self._hub.wake.ring("undecided")
        return answer

    def _look_at(self, events: Sequence[Event]) -> None:
        if self._closed:
            raise Unavailable("Stopping; nothing was kept", retry_after_seconds=2)
        if len(events) > MOST_TOGETHER * 5:
            raise TooLarge(
                f"{len(events)} events in one request; at most {MOST_TOGETHER * 5} are taken, and nothing was kept",
                hint="send them in parts",
            )

    def _see_that_there_is_room(self, raw: RawRequest | Callable[[], RawRequest], events: int) -> None:
        """S17: refused only when the queue or the disk is full; counted, with the sender, and told."""
        refused = self._hub.refused
        if refused.no_room:
            full, why = Full.DISK, "The disk is full; nothing of this request was kept"
        elif self._events_waiting + events > MOST_WAITING:
            full, why = (
                Full.QUEUE,
                "Too many events wait to be stored; nothing of this request was kept",
            )
        else:
            return
        request = raw if isinstance(raw, RawRequest) else raw()
        refused.note(request.integration, request.remote_address, full, self._hub.now())
        self._hub.wake.ring(BELL)
        raise Busy(why, retry_after_seconds=5)

    async def run(self) -> None:
        """Commit groups until cancelled; a request not committed then is refused, never left hanging."""
        self.open = True
        try:
            await self._run()
        finally:
            self.open, self._closed = False, True
            self._refuse(self._waiting, Unavailable("Stopping; nothing was kept", retry_after_seconds=2))

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._waiting:
                group = self._take()
                try:
                    await self._store(group)
                except asyncio.CancelledError:
                    self._refuse(group, Unavailable("Stopping; nothing was kept", retry_after_seconds=2))
                    raise
                except Exception as fault:  # noqa: BLE001 - the loop's edge: one group must not close the door
                    await self._one_by_one(group, fault)

    async def _store(self, group: list[Envelope]) -> None:
        """In the database; while it is away or too slow, beside it."""
        beside = self._beside
        if beside is None:
            await self._commit(group)
            return
        while not (beside.keeping and await beside.keep(group)):
            try:
                await self._hub.patience.within(SLOW_SECONDS, self._commit(group))
            except DatabaseAway as fault:
                beside.lost(fault)
            else:
                return

    def _take(self) -> list[Envelope]:
        taken = count = 0
        for envelope in self._waiting:
            taken += 1
            count += len(envelope.events)
            if count >= MOST_TOGETHER:
                break
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._events_waiting -= sum(len(e.events) for e in group)
        return group

    async def _one_by_one(self, group: list[Envelope], fault: Exception) -> None:
        """One bad envelope must not refuse its neighbours: each alone, once."""
        away = isinstance(fault, DatabaseAway)
        log.error(
            "admission_failed", requests=len(group), fault=type(fault).__name__, message=str(fault)[:300]
        )
        for envelope in group:
            if envelope.done.done():
                continue  # counted already, or nobody waits for it any more
            try:
                if away or len(group) == 1:
                    raise fault
                await self._store([envelope])
            except Exception as alone:  # noqa: BLE001 - told to its sender, the next goes on
                refused = Unavailable(
                    "The database cannot take it now; nothing of this request was kept", retry_after_seconds=5
                )
                refused.__cause__ = alone
                self._refuse([envelope], refused)

    @staticmethod
    def _refuse(group: list[Envelope], why: Exception) -> None:
        for envelope in group:
            if not envelope.done.done():
                envelope.done.set_exception(why)

    async def _commit(self, group: list[Envelope]) -> None:
        now = self._hub.now()
        rest = await self._count_identical(group, now)
        if rest:
            answers, touched = await self._hub.database.transact(
                lambda c: _admit_group(c, rest, now, self._hub)
            )
            for (scope, key), seen in touched.items():
                self._remember(scope, key, seen)
            self._hub.wake.ring("undecided")
            for envelope, answer in zip(rest, answers, strict=True):
                if not envelope.done.done():
                    envelope.done.set_result(answer)

    def _remember(self, scope: str, key: str, seen: bytes | None) -> None:
        self._hints.pop((scope, key), None)
        if seen is not None:
            self._hints[(scope, key)] = seen
            if len(self._hints) > _MOST_HINTS:
                self._hints.popitem(last=False)

    async def _count_identical(self, group: list[Envelope], now: datetime) -> list[Envelope]:
        """Count envelopes that hold nothing but known repeats; the others are returned."""
        short: list[tuple[Envelope, list[Name]]] = []
        rest: list[Envelope] = []
        busy: set[tuple[str, str]] = set()
        for envelope in group:
            names = self._as_repeats(envelope, busy)
            if names is None:
                rest.append(envelope)
                # a later repeat of these keys must not overtake what is still to be admitted
                busy.update((envelope.scope, event.dedup_key) for event in envelope.events)
            else:
                short.append((envelope, names))
        if not short:
            return rest
        asked = [names for _, names in short]
        # one statement counts on its own; only a request of several alerts needs them counted together
        alone = all(len(names) == 1 for names in asked)
        run = self._hub.database.read if alone else self._hub.database.transact
        counted = await run(lambda c: _count_whole(c, asked, now, alone=alone))
        for (envelope, names), found in zip(short, counted, strict=True):
            if found is not None and not envelope.done.done():
                envelope.done.set_result([_counted(c, name[1]) for c, name in zip(found, names, strict=True)])
        taken = {id(e) for (e, _), found in zip(short, counted, strict=True) if found is not None}
        return [envelope for envelope in group if id(envelope) not in taken]

    def _as_repeats(self, envelope: Envelope, busy: set[tuple[str, str]]) -> list[Name] | None:
        names: list[Name] = []
        prints = envelope.prints
        for index, event in enumerate(envelope.events):
            key = (envelope.scope, event.dedup_key)
            hint = self._hints.get(key)
            if hint is None or event.action is not Action.CREATE or key in busy:
                return None
            if (prints[index] if prints else fingerprint(event)) != hint:
                return None
            names.append((*key, hint))
        return names or None


async def _count_whole(
    connection: Connection, asked: Sequence[Sequence[Name]], now: datetime, *, alone: bool
) -> list[list[Counted] | None]:
    """Count what each envelope repeats, for those whose every alert is still there as known; None for the
    others, of which nothing is counted: they go the long way as a whole."""
    whole = list(range(len(asked)))
    while whole:
        times: dict[Name, int] = defaultdict(int)
        for index in whole:
            for name in asked[index]:
                times[name] += 1
        repeats = [Repeat(*name, count) for name, count in sorted(times.items())]
        point = None if alone else connection.transaction()
        if point:
            await point.start()
        counted = await intake.count_repeats(connection, repeats, now)
        if point is None or len(counted) == len(times):
            if point:
                await point.commit()
            return [
                [counted[name] for name in names] if all(name in counted for name in names) else None
                for names in asked
            ]
        await point.rollback()
        whole = [index for index in whole if all(name in counted for name in asked[index])]
    return [None] * len(asked)


def _counted(c: Counted, key: str) -> Admitted:
    return Admitted(
        c.alert_id, c.correlation_id, c.status, True, Reading.SAME, key, "identical repeat, counted"
    )


async def admit_kept(connection: Connection, hub: Hub, group: list[Envelope]) -> None:
    """Admit what the journal gives back, in order, inside a transaction of the caller's."""
    await _admit_group(connection, group, hub.now(), hub)


async def admit_within(
    connection: Connection, hub: Hub, raw: RawRequest, scope: str, events: Sequence[Event]
) -> list[Admitted]:
    """Admit events of the hub's own inside a transaction of the caller's; one result per event."""
    alone = Envelope(raw, scope, events, None, asyncio.get_running_loop().create_future())
    (answer,), _ = await _admit_group(connection, [alone], hub.now(), hub)
    return answer


async def _admit_group(
    connection: Connection, group: list[Envelope], now: datetime, hub: Hub
) -> tuple[list[list[Admitted]], dict[tuple[str, str], bytes | None]]:
    """Decide every event of the group in order, then write the group in one statement."""
    keys = {(e.scope, event.dedup_key) for e in group for event in e.events if event.dedup_key}
    ring, named = await aliases.gather(connection, group, hub.active.joining)
    live = await intake.live_alerts(connection, keys, named) if keys or named else {}
    await aliases.fill(connection, ring, group, live.values(), named)
    doors: dict[UUID, Door] = {}
    rows: list[EventRow] = []
    touched: dict[tuple[str, str], bytes | None] = {}
    answers: list[list[Admitted]] = []
    for envelope in group:
        answer = []
        for index, event in enumerate(envelope.events):
            admission = _one(event, envelope, index, live, ring, now)
            _note(envelope, event, admission, live, doors, touched, ring)
            rows.append(_event_row(envelope, event, admission))
            answer.append(_admitted(event, admission))
        answers.append(answer)
    raws = [envelope.raw for envelope in group]
    await intake.admitted(
        connection, now, raws=raws, doors=list(doors.values()), events=rows, aliases=ring.changed
    )
    return answers, touched


def _one(
    event: Event, envelope: Envelope, index: int, live: dict[tuple[str, str], Alert], ring: Ring, now: datetime
) -> Admission:  # fmt: skip
    if envelope.names is not None:
        fresh = envelope.names[index]
    else:
        fresh = Fresh(AlertId(new_id(now)), CorrelationId(str(new_id(now))))
    raw, scope = envelope.raw, envelope.scope
    if scope in ring.joining.scopes:
        return ring.take(
            event, integration=raw.integration, scope=scope, source=raw.source, fresh=fresh, now=raw.received_at
        )  # fmt: skip
    known = live.get((scope, event.dedup_key)) if event.dedup_key else None
    return admit(
        event, known, integration=raw.integration, scope=scope, source=raw.source, fresh=fresh, now=raw.received_at
    )  # fmt: skip


def _note(
    envelope: Envelope, event: Event, admission: Admission, live: dict[tuple[str, str], Alert], doors: dict[UUID, Door],
    touched: dict[tuple[str, str], bytes | None], ring: Ring,
) -> None:  # fmt: skip
    alert = admission.alert
    if alert is None or admission.reading in (Reading.IGNORED, Reading.OTHER):
        return
    key = (envelope.scope, alert.dedup_key)
    earlier = doors.get(alert.id)
    if alert.id in ring.several and alert.live:
        touched[key], said = None, SEVERAL
    elif admission.reading in (Reading.NEW, Reading.SAME):
        touched[key] = said = fingerprint(event)
    elif admission.reading is Reading.RESOLVED:
        touched[key] = None
        said = earlier.fingerprint if earlier else b""
    else:
        said = earlier.fingerprint if earlier else b"acknowledged"
    born = admission.reading is Reading.NEW or (earlier is not None and earlier.born)
    doors[alert.id] = Door(alert, said, born)
    if alert.live:
        live[key] = alert
    else:
        live.pop(key, None)


def _event_row(envelope: Envelope, event: Event, admission: Admission) -> EventRow:
    raw = envelope.raw
    alert = admission.alert
    return EventRow(
        raw.received_at, alert.id if alert else None, raw.id, raw.integration,
        _key(event, admission), admission.reading.value, admission.reason, event,
    )  # fmt: skip


def _admitted(event: Event, admission: Admission) -> Admitted:
    alert = admission.alert
    return Admitted(
        alert.id if alert else None,
        alert.correlation_id if alert else "",
        alert.status.value if alert else "",
        admission.reading is Reading.SAME,
        admission.reading,
        _key(event, admission),
        admission.reason,
    )


def _key(event: Event, admission: Admission) -> str:
    """What it was heard under."""
    return admission.key or (admission.alert.dedup_key if admission.alert else event.dedup_key)
