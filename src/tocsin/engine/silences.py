"""Silences, and maintenance windows made by hand: made, changed, ended; and what they would mute now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.core.alarm import is_alarm
from tocsin.core.errors import BadInput, Conflict, NotFound, Refusal
from tocsin.core.facts import fact_sheet
from tocsin.core.hours import enters
from tocsin.core.model import AlertStatus
from tocsin.core.mute import covers, holds_until
from tocsin.core.policy import ConditionError, MuteKind, TimedMute
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.engine.acting import tell
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.policy.mutes import Draft, checked, mute_of
from tocsin.store import mutes, reading
from tocsin.store.database import Connection
from tocsin.store.mutes import MuteRow
from tocsin.store.reading import AlertFilter, AlertView

MOST_PREVIEWED = 2_000
_LIVE = tuple(
    s.value for s in (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED, AlertStatus.DROPPED, AlertStatus.QUEUED)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A mute as people see it: `row` None = it stands in the configuration. `mute` None = it does not compile any
    more and mutes nothing, `fault` says why. `until` = it mutes now, until then; `next_at` = it will from then."""

    kind: MuteKind
    row: MuteRow | None
    mute: TimedMute | None
    fault: str = ""
    until: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The live alerts that it covers, the newest first, and how many were asked."""

    covered: tuple[AlertView, ...]
    asked: int


async def refresh(hub: Hub) -> None:
    """Take what is in force into use on this node, compiled once. One that does not compile mutes nothing."""
    now = hub.now()
    rows = await hub.database.read(lambda c: mutes.in_force(c, now))
    found = []
    for row in rows:
        try:
            found.append(mute_of(draft_of(row), hub.policy, id=str(row.id)))
        except Refusal as fault:
            log.error("mute_not_usable", mute=str(row.id), name=row.name, message=_words(fault))
    hub.silences = tuple(found)


def _words(fault: Refusal) -> str:
    return "; ".join(f"{one.field}: {one.message}" for one in fault.faults) or fault.message


def draft_of(row: MuteRow) -> Draft:
    """A row as it was asked for."""
    return Draft(
        kind=row.kind, name=row.name, when=row.condition, match=row.match, everything=row.everything,
        excepted=row.excepted, every=row.every, timezone=row.timezone, starts_at=row.starts_at, ends_at=row.ends_at,
        owner=row.owner, comment=row.comment,
    )  # fmt: skip


def _row_of(draft: Draft, row: MuteRow, now: datetime) -> MuteRow:
    return replace(
        row, name=draft.name.strip() or draft.comment.strip()[:60], condition=draft.when.strip(), match=dict(draft.match),
        everything=draft.everything, excepted=draft.excepted, every=draft.every, timezone=draft.timezone,
        starts_at=draft.starts_at, ends_at=draft.ends_at, owner=draft.owner.strip(), comment=draft.comment.strip(),
        changed_at=now,
    )  # fmt: skip


async def make(hub: Hub, draft: Draft, *, by: str) -> Shown:
    """Make a mute; what it covers is quiet from its start. Raises BadInput naming each field."""
    now = hub.now()
    checked(draft, hub.policy, now)
    blank = MuteRow(
        id=new_id(now), kind=draft.kind, name="", condition="", match={}, everything=False, excepted=(), every=(), timezone="",
        starts_at=now, ends_at=None, owner="", comment="", made_by=by, made_at=now, changed_at=now,
    )  # fmt: skip
    row = _row_of(draft, blank, now)

    async def work(connection: Connection) -> None:
        await mutes.save(connection, row)
        await _told(connection, hub, "make", None, row)

    await hub.database.transact(work)
    log.info("mute_made", mute=str(row.id), kind=row.kind.value, name=row.name, by=by)
    await refresh(hub)
    return shown(hub, row)


async def change(hub: Hub, kind: MuteKind, wanted: UUID, fields: dict[str, Any]) -> Shown:
    """Change some of its fields; what it no longer covers is decided again at once."""

    async def work(connection: Connection) -> MuteRow:
        row = await _live_row(connection, hub, kind, wanted)
        draft = replace(draft_of(row), **fields)
        checked(draft, hub.policy, hub.now(), id=str(row.id))
        after = _row_of(draft, row, hub.now())
        await mutes.save(connection, after)
        await mutes.look_at_muted(connection, row.id, hub.now())
        await _told(connection, hub, "change", row, after)
        return after

    row = await hub.database.transact(work)
    await _in_use(hub)
    return shown(hub, row)


async def end(hub: Hub, kind: MuteKind, wanted: UUID, *, by: str) -> Shown:
    """End it now; what still fires is routed as new, now."""

    async def work(connection: Connection) -> MuteRow:
        row = await _live_row(connection, hub, kind, wanted)
        after = replace(row, cancelled_at=hub.now(), cancelled_by=by, changed_at=hub.now())
        await mutes.save(connection, after)
        await mutes.look_at_muted(connection, row.id, hub.now())
        await _told(connection, hub, "end", row, after)
        return after

    row = await hub.database.transact(work)
    log.info("mute_ended", mute=str(row.id), kind=kind.value, name=row.name, by=by)
    await _in_use(hub)
    return shown(hub, row)


async def _told(connection: Connection, hub: Hub, verb: str, was: MuteRow | None, now: MuteRow) -> None:
    before = asdict(was) if was is not None else None
    await tell(
        connection,
        hub,
        f"{now.kind.value}.{verb}",
        str(now.id),
        before=before,
        after=asdict(now),
        text=now.name,
    )


async def _in_use(hub: Hub) -> None:
    await refresh(hub)
    hub.wake.ring("undecided")


async def _live_row(connection: Connection, hub: Hub, kind: MuteKind, wanted: UUID) -> MuteRow:
    row = await mutes.get(connection, kind, wanted, lock=True)
    if row is None:
        raise _unknown(kind, str(wanted))
    if row.over(hub.now()):
        raise Conflict(f"{row.name} is over already", hint="make a new one; what is over stays as it was")
    return row


def _unknown(kind: MuteKind, name: str) -> NotFound:
    noun, verb = ("silence", "silence") if kind is MuteKind.SILENCE else ("maintenance window", "maintenance")
    return NotFound(f"There is no {noun} {name}", hint=f"`im {verb} list --all` shows every one")


async def find(hub: Hub, kind: MuteKind, name: str) -> Shown:
    """One by its id, or a window of the configuration by its name; raises NotFound."""
    try:
        wanted = UUID(name)
    except ValueError:
        written = next((w for w in hub.policy.maintenance if w.name == name), None)
        if kind is MuteKind.MAINTENANCE and written is not None:
            return _of_configuration(hub, written)
        raise _unknown(kind, name[:100]) from None
    row = await hub.database.read(lambda c: mutes.get(c, kind, wanted))
    if row is None:
        raise _unknown(kind, name)
    return shown(hub, row)


def written(hub: Hub) -> list[Shown]:
    """The windows of the configuration, in its order."""
    return [_of_configuration(hub, window) for window in hub.policy.maintenance]


def refuse_written(hub: Hub, name: str) -> None:
    """Raises Conflict for a window of the configuration: it is changed there."""
    if any(window.name == name for window in hub.policy.maintenance):
        raise Conflict(
            f"The maintenance window {name} stands in the configuration and is changed there",
            hint="change the section `maintenance` of the file and `im apply` it",
        )


def shown(hub: Hub, row: MuteRow) -> Shown:
    """A row with how it stands now."""
    try:
        mute = mute_of(draft_of(row), hub.policy, id=str(row.id))
    except BadInput as fault:
        return Shown(kind=row.kind, row=row, mute=None, fault=_words(fault))
    if row.over(hub.now()):
        return Shown(kind=row.kind, row=row, mute=mute)
    return _standing(hub, row, mute)


def _of_configuration(hub: Hub, window: TimedMute) -> Shown:
    return _standing(hub, None, window)


def _standing(hub: Hub, row: MuteRow | None, mute: TimedMute) -> Shown:
    now = hub.now()
    until = holds_until(mute, now)
    following: datetime | None = None
    if until is None:
        start = max(now, mute.start) if mute.start else now
        following = (
            mute.start
            if not mute.every
            else start
            if holds_until(mute, start)
            else enters(mute.every, mute.timezone, start)
        )
        if following and (following < now or (mute.end and following >= mute.end)):
            following = None
    return Shown(kind=mute.kind, row=row, mute=mute, until=until, next_at=following)


async def preview(hub: Hub, draft: Draft) -> Preview:
    """Which live alerts it would cover if it began now; nothing is changed. Raises BadInput like `make`."""
    mute = checked(draft, hub.policy, hub.now())
    wanted = AlertFilter(statuses=_LIVE)
    found = await hub.database.read(lambda c: reading.alert_page(c, wanted, before=None, most=MOST_PREVIEWED))
    return Preview(tuple(_covered(hub, mute, found)), len(found))


def _covered(hub: Hub, mute: TimedMute, views: Sequence[AlertView]) -> list[AlertView]:
    covered = []
    for view in views:
        alert = view.alert
        if is_alarm(alert):
            continue
        facts = fact_sheet(
            alert, severity=alert.severity, services=alert.services, team=alert.team,
            integration=hub.policy.integrations.get(alert.integration), policy=hub.policy, now=hub.now(),
        )  # fmt: skip
        try:
            if covers(mute, facts, alert.severity or Severity.MEDIUM):
                covered.append(view)
        except ConditionError:
            continue  # a condition that fails on an alert does not mute it
    return covered
