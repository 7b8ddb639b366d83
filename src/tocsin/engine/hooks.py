"""The way back: webhooks are stored, answered at once, and worked off afterwards (PR-7, S45)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tocsin.core.errors import Busy, NotAllowed, NotFound, Refusal
from tocsin.core.lifecycle import Act
from tocsin.core.model import Actor, ActorKind, Incident, Line
from tocsin.core.policy import Connector
from tocsin.core.ports import ChangeKind, Malformed, Proof, RemoteChange, RemoteStatus, Request
from tocsin.core.remote import Judgement, Verdict, confirms, judge
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.engine.respond import act_on, rung
from tocsin.store import hooks, incidents, outbox
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.hooks import Hook
from tocsin.store.outbox import Remote
from tocsin.store.sheet import Sheet, save

_KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "x-webhook-id",
    "x-webhook-subscription",
    "x-pagerduty-signature",
)
_MOST_TRIES = 5


class Quarantined(Refusal):
    """A known subscription with a wrong signature: kept, and the sender is asked to come again."""

    code = "quarantined"


async def receive(hub: Hub, name: str, request: Request) -> UUID:
    """Store one webhook of the connector `name`; returns once it is on disk.

    Raises NotFound for an unknown connector, Busy while its secrets are lost, NotAllowed for a stranger (nothing is stored), Quarantined for
    a wrong signature (stored aside: 503, since three 4xx would make PagerDuty switch the subscription off).
    """
    connector = hub.policy.connectors.get(name)
    kind = hub.providers.get(connector.type) if connector else None
    takes = connector is not None and connector.enable_webhook
    if connector is None or kind is None or not takes or "verify_webhook" not in kind.abilities:
        raise NotFound(f"There is no connector {name} that takes webhooks")
    if not hub.active.unsealed:
        # without our secrets nothing can be proved: an empty one would let anybody in (S50)
        raise Busy(
            f"The credentials of {name} cannot be opened with the present secret key", retry_after_seconds=60
        )
    proof = kind.module.verify_webhook(request, hub.active.settings_of(connector))
    if proof is Proof.STRANGER:
        raise NotAllowed(
            f"This request does not prove that it comes from {name}'s provider",
            hint="PagerDuty signs with the subscription's secret (webhook_secrets); Opsgenie sends ?token= or a secret header",
        )
    now = hub.now()
    hook = Hook(
        id=new_id(now), received_at=now, connector=name, state="pending" if proof is Proof.GENUINE else "quarantined",
        headers={n: v for n, v in request.headers.items() if n in _KEPT_HEADERS}, query="", body=request.body,
        remote_address=request.remote_address,
    )  # fmt: skip
    await hub.database.transact(lambda c: hooks.keep(c, hook))
    if proof is Proof.WRONG:
        log.error("webhook_signature_wrong", connector=name, hook=str(hook.id))
        raise Quarantined(
            f"The signature fits none of {name}'s webhook_secrets; the delivery is kept aside",
            hint="add the subscription's secret to webhook_secrets; the provider will deliver again",
        )
    hub.wake.ring("hooks")
    return hook.id


async def work_off(hub: Hub) -> int:
    """Apply one pending webhook; how many were found."""

    at_work: list[Hook] = []

    async def work(connection: Connection) -> int:
        at_work[:] = await hooks.claim(connection, 1)
        for hook in at_work:
            await _apply(connection, hub, hook)
        return len(at_work)

    try:
        count = await hub.database.transact(work)
    except DatabaseAway:
        raise  # says nothing about the webhook, which stays pending
    except Exception as fault:  # noqa: BLE001 - one bad webhook must not hold up the others
        log.error("webhook_failed", fault=type(fault).__name__, message=str(fault)[:300])
        name = type(fault).__name__
        count = await hub.database.transact(lambda c: _set_aside(c, at_work, name))
    if count:
        rung(hub)
    return count


async def _set_aside(connection: Connection, found: list[Hook], fault: str) -> int:
    for hook in found:
        state = "failed" if hook.attempts + 1 >= _MOST_TRIES else "pending"
        await hooks.settle(connection, hook, state, f"failed: {fault}")
    return len(found)


async def _apply(connection: Connection, hub: Hub, hook: Hook) -> None:
    connector = hub.policy.connectors.get(hook.connector)
    kind = hub.providers.get(connector.type) if connector else None
    if connector is None or kind is None:
        await hooks.settle(connection, hook, "failed", "its connector is gone")
        return
    request = Request(method="POST", headers=hook.headers, query=hook.query, body=hook.body)
    try:
        changes = kind.module.read_webhook(request)
    except Malformed as fault:
        await hooks.settle(connection, hook, "failed", f"unreadable: {fault.message}")
        return
    told = [await apply_change(connection, hub, connector, change) for change in changes]
    await hooks.settle(connection, hook, "done", "; ".join(told) or "nothing in it")


async def apply_change(connection: Connection, hub: Hub, connector: Connector, change: RemoteChange) -> str:
    """One change told by a provider (or read from it); what was done, in words."""
    if change.kind is ChangeKind.PING:
        return "ping"
    if change.delivery_id and not await hooks.first_sight(connection, connector.name, change.delivery_id):
        return f"{change.kind.value}: seen before"
    found = await outbox.find_remotes(connection, connector.name, change.remote_id, change.key)
    if not found:
        return f"{change.kind.value}: no incident of ours ({change.remote_id or change.key or 'no id'})"
    remote = found[0]
    kept = (await incidents.load(connection, [remote.incident_id]))[remote.incident_id]
    remotes = await outbox.remotes_of(connection, remote.incident_id)
    newest = max(
        r.life
        for r in remotes
        if (r.connector, r.service, r.recipient) == (remote.connector, remote.service, remote.recipient)
    )
    now = hub.now()
    judgement = judge(
        change, kept.incident, direction=connector.direction, current_life=remote.life == newest,
        expected=remote.expected, page_started_at=kept.plan.started_at, now=now,
    )  # fmt: skip
    await _note_facts(connection, remote, change, judgement, now)
    if judgement.verdict is Verdict.APPLY and judgement.act is not None:
        return await _act(connection, hub, connector, remote, change, judgement.act)
    await _tell(connection, hub, connector, kept.incident, change, judgement, now)
    return f"{change.kind.value}: {judgement.reason}"


async def _note_facts(
    connection: Connection, remote: Remote, change: RemoteChange, judgement: Judgement, now: datetime
) -> None:
    """What is now known of the remote, whatever follows for the incident."""
    facts: dict[str, object] = {}
    if judgement.verdict is Verdict.ECHO:
        facts["expected"] = outbox.expected_out([e for e in remote.expected if not confirms(change, e)])
    if judgement.status is not None and judgement.verdict is not Verdict.RECORD:
        facts["status"] = judgement.status.value
        if judgement.status is RemoteStatus.ACKNOWLEDGED:
            facts["acknowledged_at"] = now
        if judgement.status is RemoteStatus.RESOLVED:
            facts["resolved_at"] = now
    if change.kind in (ChangeKind.TRIGGERED, ChangeKind.NOTIFIED, ChangeKind.ACKNOWLEDGED):
        facts["created_at"] = now
    by_a_person = (
        change.kind is ChangeKind.ACKNOWLEDGED and change.person and judgement.verdict is not Verdict.ECHO
    )
    if change.kind is ChangeKind.NOTIFIED or by_a_person:
        facts["notified_at"] = now
    if change.remote_id and not remote.remote_id:
        facts["remote_id"] = change.remote_id
    await outbox.update_remote(connection, remote.id, facts)


async def _act(
    connection: Connection, hub: Hub, connector: Connector, remote: Remote, change: RemoteChange, act: Act
) -> str:
    actor = Actor(
        ActorKind.PROVIDER, change.person or connector.name, connector.name, person=bool(change.person)
    )
    if act is Act.NOTE and not connector.sync_notes:
        return "note: sync_notes is off"
    service = None if act in (Act.NOTE, Act.REOPEN) else remote.service
    ruling = await act_on(connection, hub, remote.incident_id, act, actor, note=change.note, service=service)
    return f"{act.value} by {actor.shown}: {ruling.reason}"


async def _tell(
    connection: Connection,
    hub: Hub,
    connector: Connector,
    incident: Incident,
    change: RemoteChange,
    judgement: Judgement,
    now: datetime,
) -> None:
    """A line for what was seen and not acted upon; our own echo needs none."""
    if judgement.verdict in (Verdict.ECHO, Verdict.FACT) and change.kind is not ChangeKind.NOTIFIED:
        return
    kind = {Verdict.DIVERGENCE: "divergence", Verdict.FACT: "page_notified"}.get(
        judgement.verdict, "remote_change"
    )
    by = f" by {change.person}" if change.person else ""
    what = (change.raw_type or change.kind.value).removeprefix("incident.")
    sheet = Sheet()
    line = Line(
        kind=kind, text=f"{connector.name}: {what}{by}; {judgement.reason}", reason=judgement.verdict.value
    )
    sheet.tell(now, incident, line, actor=connector.name)
    await save(connection, sheet, now)
