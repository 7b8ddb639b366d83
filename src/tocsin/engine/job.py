"""What is one effect that was claimed to say at its provider, and is it still wanted?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.core.lapse import holder_of
from tocsin.core.model import Incident, IncidentStatus, Link
from tocsin.core.ports import Effect, EffectKind
from tocsin.core.silent import is_held
from tocsin.core.snooze import LONGER_THERE
from tocsin.core.stale import no_longer_wanted, sent_as
from tocsin.core.values import replace
from tocsin.engine.assigning import no_longer_theirs, people_of, policy_of
from tocsin.engine.hub import Hub
from tocsin.engine.press import links_for
from tocsin.store import incidents
from tocsin.store.database import Connection
from tocsin.store.outbox import Work

REREAD_AFTER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Job:
    """One call to make: the work row, what the provider is asked, and why not to send ("" = send). `bundled` = the
    works of a page that tells several incidents, `work` among them; () = it is alone (S22)."""

    work: Work
    effect: Effect
    incident: Incident
    stale: str
    bundled: tuple[Work, ...] = ()

    @property
    def works(self) -> tuple[Work, ...]:
        return self.bundled or (self.work,)


async def jobs_of(connection: Connection, hub: Hub, works: Sequence[Work], now: datetime) -> list[Job]:
    """Each with its incident as it is now."""
    kept = await incidents.load(connection, {w.remote.incident_id for w in works})
    return [_job(hub, w, kept[w.remote.incident_id].incident, now) for w in works]


def _job(hub: Hub, work: Work, incident: Incident, now: datetime) -> Job:
    remote = work.remote
    part = next((p.status for p in incident.parts if p.service == remote.service), incident.status)
    status = incident.status if incident.status is IncidentStatus.CLOSED else part
    stale = no_longer_wanted(
        work.kind,
        status,
        remote.status,
        perhaps_applied=work.ambiguous,
        superseded=remote.superseded_at is not None,
    )
    if work.body.get("ends_life") or work.body.get("again"):
        stale = ""
    if work.kind is EffectKind.SNOOZE and incident.snoozed_until is None:
        stale = stale or "not snoozed any more"
    if work.kind is EffectKind.ASSIGN:
        stale = stale or no_longer_theirs(work.body, incident)
    if remote.connector not in hub.policy.connectors:
        stale = "the connector is no longer configured"
    elif not hub.reaches_here(remote.connector):
        stale = "the connector is inbound: it is never written to"
    kind = sent_as(
        work.kind, status, perhaps_applied=work.ambiguous, superseded=remote.superseded_at is not None
    )
    return Job(work, effect_of(hub, replace(work, kind=kind), incident, now), incident, stale)


def effect_of(hub: Hub, work: Work, incident: Incident, now: datetime) -> Effect:
    """What the provider is asked, from the incident as it is now: late work carries the latest text."""
    remote = work.remote
    wakes = incident.snoozed_until + LONGER_THERE if incident.snoozed_until else None
    return Effect(
        kind=work.kind, key=remote.key, incident=str(incident.id), incident_name=incident.name, title=incident.title,
        description=incident.description, severity=incident.severity, service=remote.service, team=incident.team,
        policy=policy_of(work.body, incident), correlation_id=incident.correlation_id,
        details={**{name: plain(value) for name, value in incident.details.items()}, **_siblings(incident), **incident.fields},
        fields=incident.fields, links=incident.links,
        remote_id=remote.remote_id, note=str(work.body.get("note", "")), **people_of(hub, work.body),
        incident_url=hub.incident_url(incident.name), recipients=(remote.recipient,) if remote.recipient else (),
        opened_at=incident.opened_at, repeat=str(work.body.get("repeat", "")), look_first=work.ambiguous, into=str(work.body.get("into", "")),
        snooze_until=wakes, snooze_for=wakes - now if wakes else timedelta(0),
        reread=work.kind is EffectKind.ACKNOWLEDGE and now - work.made_at > REREAD_AFTER,
        acts=_acts(hub, work, incident),
    )  # fmt: skip


def _acts(hub: Hub, work: Work, incident: Incident) -> tuple[Link, ...]:
    """The ack link of what asks somebody to acknowledge: a page, and a note to the holder that their acknowledgement
    ends soon (S25, S52)."""
    to = work.remote.recipient
    pages = work.kind in (EffectKind.CREATE, EffectKind.REOPEN)
    holder = holder_of(incident, hub.policy) if work.kind is EffectKind.NOTE and is_held(incident) else None
    warns = holder is not None and holder.email == to and not work.body.get("person")
    return links_for(hub, [incident], work.remote.connector, to, work.made_at) if pages or warns else ()


def _siblings(incident: Incident) -> dict[str, str]:
    """Each service has an incident of its own at a provider (RO-6): which belong together, for people there."""
    return {"services": ", ".join(incident.services)} if len(incident.services) > 1 else {}


def plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)
