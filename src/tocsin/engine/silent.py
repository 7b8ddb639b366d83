"""Incidents that somebody has and nobody speaks of: their holders are asked, one digest for each (S24)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.core import silent as core
from tocsin.core.digest import worst_of_all
from tocsin.core.lifecycle import Ruling
from tocsin.core.model import Actor, ActorKind
from tocsin.core.mute import muting
from tocsin.core.ports import EffectKind
from tocsin.core.severity import Severity
from tocsin.core.silent import Silent, Whom
from tocsin.core.situation import Situation
from tocsin.engine.digest import GIVE_UP_AFTER
from tocsin.engine.hub import Hub, log
from tocsin.engine.tell import tell_others
from tocsin.store import digests, incidents, messages, outbox, silent, undecided
from tocsin.store.database import Connection
from tocsin.store.incidents import Kept
from tocsin.store.messages import NewMessage
from tocsin.store.sheet import Sheet, save

CLOCK = Actor(ActorKind.TIMER, "tocsin", person=False)
_TOGETHER = 500
_LOOKS_EVERY = 5.0


async def ask_holders(hub: Hub) -> float:
    """Look at what is due, and ask about what is silent; seconds until there is more to look at, at most 5."""
    if hub.gate.shut:
        return 1.0  # what was there before may be over elsewhere

    async def work(connection: Connection) -> tuple[bool, float]:
        now = hub.now()
        following = await silent.next_due(connection)
        if following is not None and following <= now:
            asked = await _look(connection, hub, await silent.due(connection, now, _TOGETHER), now)
            following = await silent.next_due(connection)
        else:
            asked = False
        wait = (following - now).total_seconds() if following else _LOOKS_EVERY
        return asked, min(max(wait, 0.05), _LOOKS_EVERY)

    asked, wait = await hub.database.transact(work)
    if asked:
        hub.wake.ring("effects")
    return wait


async def _look(connection: Connection, hub: Hub, ids: list[UUID], now: datetime) -> bool:
    after = hub.policy.defaults.silent_after
    muted = await _muted(connection, hub, ids, now)
    kept = await incidents.lock(connection, ids)
    heard = await silent.heard(connection, ids)
    sheet, asked = Sheet(), list[Kept]()
    looks: dict[UUID, tuple[datetime, datetime | None]] = {}
    for name, found in kept.items():
        seen = core.see(
            found.plan, found.incident, core.office_for(found.incident, hub.policy), after=after,
            heard_at=heard.get(name), muted_by=muted.get(name, ""), now=now,
        )  # fmt: skip
        for line in seen.lines:
            sheet.tell(now, found.incident, line, actor=CLOCK.shown)
        if seen.plan != found.plan:
            sheet.incidents[name] = (found.incident, seen.plan)
        if seen.look_at is not None:
            looks[name] = (seen.look_at, seen.plan.asks_at)
        if seen.ask:
            asked.append(found)
    await _ask(connection, hub, sheet, asked, heard, now)
    await silent.forget(connection, [name for name in ids if name not in looks])
    await silent.look_then(connection, looks)
    await save(connection, sheet, now)
    return bool(asked)


async def _muted(connection: Connection, hub: Hub, ids: list[UUID], now: datetime) -> dict[UUID, str]:
    """Incidents of which every alert that fires is muted now, and by what; not locked, since nothing is done to them."""
    found: dict[UUID, str] = {}
    if not hub.mutes:
        return found
    for name, alerts in (await undecided.live_alerts_of(connection, ids)).items():
        by = []
        for alert in alerts:
            integration = hub.policy.integrations.get(alert.integration)
            situation = Situation(alert=alert, heard=(), integration=integration, mutes=hub.mutes)
            by.append(muting(situation, alert, hub.policy, now).by)
        if all(by):
            found[name] = "; ".join(dict.fromkeys(by))
    return found


@dataclass(frozen=True, slots=True)
class Asking:
    """Silent incidents that one digest asks about."""

    to: Whom
    found: tuple[Silent, ...]
    asks_at: datetime

    @property
    def worst(self) -> Severity:
        return worst_of_all(one.incident.severity for one in self.found)


def _by_holder(
    hub: Hub, kept: list[Kept], heard: Mapping[UUID, datetime], due: Mapping[UUID, datetime]
) -> list[Asking]:
    groups: dict[Whom, list[Silent]] = defaultdict(list)
    for one in kept:
        incident = one.incident
        found = Silent(incident, heard.get(incident.id), hub.incident_url(incident.name))
        groups[core.whom(incident, hub.policy)].append(found)
    return [Asking(to, tuple(found), min(due[s.incident.id] for s in found)) for to, found in groups.items()]


async def _ask(
    connection: Connection, hub: Hub, sheet: Sheet, asked: list[Kept], heard: Mapping[UUID, datetime], now: datetime
) -> None:  # fmt: skip
    after = hub.policy.defaults.silent_after
    for asking in _by_holder(hub, asked, heard, dict.fromkeys((one.incident.id for one in asked), now)):
        if hub.mailer:
            await _mail(connection, hub, asking, now)
        for one in asking.found:
            line = core.was_asked(core.whom(one.incident, hub.policy), hub.mailer, after)
            sheet.tell(now, one.incident, line, actor=CLOCK.shown)
            if not hub.mailer:
                services = tuple(part.service for part in one.incident.parts)
                told = Ruling(
                    incident=one.incident,
                    changed=True,
                    reason="silent",
                    tell=EffectKind.NOTE,
                    services=services,
                )
                sides = await outbox.remotes_of(connection, one.incident.id)
                await tell_others(connection, hub, sheet, told, CLOCK, sides, line.text, now)
        log.info("holder_asked", incidents=len(asking.found), by=hub.mailer)


async def _mail(connection: Connection, hub: Hub, asking: Asking, now: datetime) -> None:
    subject = core.subject_of(asking.found)
    text = core.text_of(asking.found, hub.policy.defaults.silent_after)
    begins = min(one.heard_at or one.incident.opened_at for one in asking.found)
    digest = await digests.ask(
        connection, name=core.name_of(asking.to), holder=asking.to.shown, connector=hub.mailer, begins=begins, ends=now,
        incidents=len(asking.found), worst=asking.worst, subject=subject, text=text,
    )  # fmt: skip
    listed = tuple(one.incident.id for one in core.listed(asking.found))
    # a mail each: what somebody may do by it is theirs alone (S52)
    each: list[tuple[str, ...]] = [(one,) for one in asking.to.recipients] or [()]
    put = [
        NewMessage(
            key=":".join((f"tocsin:{hub.installation}:digest:{digest}:{hub.mailer}", *(to if len(each) > 1 else ()))),
            connector=hub.mailer, severity=asking.worst, subject=subject, text=text, recipients=to, digest=digest,
            asks_about=listed, give_up_at=now + GIVE_UP_AFTER,
        )
        for to in each
    ]  # fmt: skip
    await messages.put(connection, put, now)


async def waiting(connection: Connection, hub: Hub) -> list[Asking]:
    """Whom the next digests will ask about what, the first first, unless that speaks or somebody acts before."""
    times = await silent.asked_next(connection)
    kept = await incidents.load(connection, times)
    heard = await silent.heard(connection, times)
    held = [one for one in kept.values() if one.plan.asks_at is not None and core.is_held(one.incident)]
    return sorted(_by_holder(hub, held, heard, times), key=lambda asking: (asking.asks_at, asking.to.shown))
