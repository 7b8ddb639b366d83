"""The clocks of what is promised are set and looked at; what ends soon or is missed is told (IM-4).

By the node on duty, every few seconds: clocks are rows that follow the incidents, so that nothing on a page's way waits
for them, and what happened while no hub ran is caught up. A warning goes to the holder by mail; a miss to the holder and
the lead, and as a note to every provider that has the incident. Neither is a page.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.core.digest import worst_of_all
from tocsin.core.lapse import holder_of
from tocsin.core.lifecycle import Ruling
from tocsin.core.model import Actor, ActorKind, Incident
from tocsin.core.policy import Policy
from tocsin.core.ports import EffectKind
from tocsin.core.silent import whom
from tocsin.core.sla import Told, look, promises_anything
from tocsin.engine.hub import Hub, log
from tocsin.engine.tell import tell_others
from tocsin.store import incidents, messages, outbox, sla
from tocsin.store.database import Connection
from tocsin.store.messages import NewMessage
from tocsin.store.sheet import Sheet, save

BELL = "sla"
CLOCK = Actor(ActorKind.TIMER, "tocsin", person=False)
TOGETHER = 200
GIVE_UP_AFTER = timedelta(hours=4)
"""A message that could not be sent by then is stale; the timeline and the provider have it."""
MOST_LISTED = 50


async def keep_clocks(hub: Hub) -> int:
    """Look at what changed or is due; how many incidents, at most TOGETHER."""
    if hub.gate.shut:
        return 0
    if not promises_anything(hub.policy):
        await hub.database.transact(sla.stop)
        return 0
    count = await hub.database.transact(lambda c: _look(c, hub))
    if count:
        hub.wake.ring("effects")
    return count


async def _look(connection: Connection, hub: Hub) -> int:
    now, policy = hub.now(), hub.policy
    ids = await sla.wanting(connection, policy.version, now, TOGETHER)
    kept = await incidents.lock(connection, ids)
    known = await sla.load(connection, kept)
    sheet, seen, told = Sheet(), list[sla.Seen](), list[tuple[Incident, Told]]()
    for name, found in kept.items():
        incident = found.incident
        after = look(known.get(name), incident, policy, now)
        seen.append(
            sla.Seen(
                incident=name, track=after.track, status=incident.status.value,
                acknowledged_at=incident.acknowledged_at, look_at=after.look_at,
            )
        )  # fmt: skip
        for one in after.told:
            sheet.tell(now, incident, one.line, actor=CLOCK.shown)
            told.append((incident, one))
    await sla.save(connection, seen)
    for incident, one in told:
        if one.missed and not one.late:
            await _note(connection, hub, sheet, incident, one, now)
    await _mail(connection, hub, [(i, one) for i, one in told if not one.late], now)
    await save(connection, sheet, now)
    if told:
        log.info("sla_told", warned=sum(not t.missed for _, t in told), missed=sum(t.missed for _, t in told))
    return len(kept)


async def _note(
    connection: Connection, hub: Hub, sheet: Sheet, incident: Incident, told: Told, now: datetime
) -> None:
    services = tuple(part.service for part in incident.parts)
    ruling = Ruling(
        incident=incident, changed=True, reason=told.line.reason, tell=EffectKind.NOTE, services=services
    )
    sides = await outbox.remotes_of(connection, incident.id)
    await tell_others(connection, hub, sheet, ruling, CLOCK, sides, told.line.text, now)


@dataclass(frozen=True, slots=True)
class _To:
    """Who is told, and whether of misses."""

    recipients: tuple[str, ...]
    missed: bool


async def _mail(connection: Connection, hub: Hub, told: list[tuple[Incident, Told]], now: datetime) -> None:
    """One message for all that one person is told at once."""
    if not hub.mailer:
        return
    groups: dict[_To, list[tuple[Incident, Told]]] = defaultdict(list)
    for incident, one in told:
        groups[_To(recipients_of(incident, hub.policy, missed=one.missed), one.missed)].append(
            (incident, one)
        )
    for to, found in groups.items():
        key = _key(hub.installation, to, found)
        message = NewMessage(
            key=key, connector=hub.mailer, severity=worst_of_all(i.severity for i, _ in found),
            subject=_subject(to.missed, found), text=_text(hub, to.missed, found), recipients=to.recipients,
            give_up_at=now + GIVE_UP_AFTER,
        )  # fmt: skip
        await messages.put(connection, [message], now)


def recipients_of(incident: Incident, policy: Policy, *, missed: bool) -> tuple[str, ...]:
    """The holder, else the team's lead, else its members; of a miss the lead besides. () = the connector's own box."""
    found = list(whom(incident, policy).recipients)
    team = policy.teams.get(incident.team)
    lead = policy.users.get(team.lead) if team and missed else None
    if lead and lead.email and holder_of(incident, policy) is not None:
        found.append(lead.email)
    return tuple(dict.fromkeys(found))


def _key(installation: UUID, to: _To, found: list[tuple[Incident, Told]]) -> str:
    first, one = found[0]
    what = "missed" if one.missed else "warning"
    due = one.line.data.get("due_at", "")
    return f"tocsin:{installation}:sla:{first.id}:{one.clock.value}:{what}:{due}:{','.join(to.recipients)}"


def _subject(missed: bool, found: list[tuple[Incident, Told]]) -> str:
    what = "SLA missed" if missed else "SLA ends soon"
    if len(found) == 1:
        incident = found[0][0]
        return f"{what}: {incident.name} {incident.title}"
    return f"{what}: {len(found)} incidents"


def _text(hub: Hub, missed: bool, found: list[tuple[Incident, Told]]) -> str:
    rows = []
    for incident, one in found[:MOST_LISTED]:
        holder = incident.assignee or incident.acknowledged_by
        rows += [
            f"{incident.name}  {incident.severity.value}: {incident.title}",
            f"    {one.line.text}",
            f"    {f'{holder} has it' if holder else 'Nobody has it'}",
        ]
        if url := hub.incident_url(incident.name):
            rows.append(f"    {url}")
    if more := len(found) - MOST_LISTED:
        rows += [f"and {more} more"] if more > 0 else []
    tail = (
        "This is a message, not a page. It stands in the timeline, and as a note at each provider that has it."
        if missed
        else "This is a message, not a page. Acknowledge with `im ack`, resolve with `im resolve`."
    )
    return "\n".join([*rows, "", tail]) + "\n"
