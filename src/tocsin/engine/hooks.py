"""The way back: webhooks are stored, answered at once, and worked off afterwards (PR-7, S45)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast
from uuid import UUID

from tocsin.core.alarm import Alarm
from tocsin.core.errors import NotAllowed, NotFound, Refusal, Unavailable
from tocsin.core.ports import Malformed, Proof, Request
from tocsin.core.webhooks import Subscribable
from tocsin.engine import heard, hook_gate
from tocsin.engine.acting import Acting, begun
from tocsin.engine.diverge import end_agreed
from tocsin.engine.follow import follow
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.engine.respond import rung
from tocsin.store import alarms, hooks, subscriptions
from tocsin.store.database import Connection, DatabaseAway
from tocsin.store.hooks import Hook

_KEPT_HEADERS = ("content-type", "user-agent")
"""Kept of every webhook; what a provider reads besides is in its manifest (webhook_headers)."""

_MOST_TRIES = 5


class Quarantined(Refusal):
    """A known subscription with a wrong signature: kept, and the sender is asked to come again."""

    code = "quarantined"


async def receive(hub: Hub, name: str, request: Request, *, encrypted: bool = True) -> UUID:
    """Store one webhook of the connector `name`; returns once it is on disk. `encrypted` = it came over https, or from
    this machine: elsewhere a genuine one is asked for again and is the hub's alarm.

    Raises NotFound for an unknown connector, Unavailable while its secrets are lost, NotAllowed for a stranger (nothing is stored), Quarantined for
    a wrong signature (stored aside: 503, since a few 4xx make a provider switch the subscription off).
    """
    connector = hub.policy.connectors.get(name)
    kind = hub.providers.get(connector.type) if connector else None
    takes = connector is not None and connector.enable_webhook
    if connector is None or kind is None or not takes or "verify_webhook" not in kind.abilities:
        raise NotFound(f"There is no connector {name} that takes webhooks")
    if not hub.active.unsealed:
        # without our secrets nothing can be proved: an empty one would let anybody in (S50)
        raise Unavailable(
            f"The credentials of {name} cannot be opened with the present secret key", retry_after_seconds=60
        )
    hook_gate.let_in(connector, request.remote_address)
    proof = kind.module.verify_webhook(request, hub.active.settings_of(connector))
    now = hub.now()
    hub.hook_gate.count(connector, now, genuine=proof is Proof.GENUINE)
    if proof is Proof.STRANGER:
        raise NotAllowed(
            f"This request does not prove that it comes from {name}'s provider",
            hint=f"{kind.manifest.get('webhook_proof', '')}. The address is the right one and can be reached:"
            f" `im connector webhook {name} --test` has the provider send a genuine one",
        )
    plain = _unencrypted(name)
    if proof is Proof.GENUINE and not encrypted:
        await hub.database.transact(lambda c: alarms.sound(c, [plain], now))
        raise Unavailable(
            f"Webhooks of {name} are taken over https alone; nothing was kept", retry_after_seconds=60,
            hint="send them to the https address; a proxy that ends TLS must stand in TOCSIN_TRUSTED_PROXIES",
        )  # fmt: skip
    kept = (*_KEPT_HEADERS, *kind.manifest.get("webhook_headers", ()))
    hook = Hook(
        id=new_id(now), received_at=now, connector=name, state="pending" if proof is Proof.GENUINE else "quarantined",
        headers={n: v for n, v in request.headers.items() if n in kept}, query="", body=request.body,
        remote_address=request.remote_address,
    )  # fmt: skip
    alarm = _wrong_signature(name)
    able = name in hub.active.subscribed and "subscribe" in kind.abilities
    sender = cast("Subscribable", kind.module).delivered_by(request) if able else ""

    async def keep(connection: Connection) -> None:
        await hooks.keep(connection, hook)
        if name in hub.active.subscribed:
            genuine = proof is Proof.GENUINE
            await subscriptions.delivered(connection, name, sender, now, genuine=genuine)
        if proof is Proof.WRONG:
            await alarms.sound(connection, [alarm], now)
        elif over := [key for key in (alarm.key, plain.key) if key in hub.alarming]:
            await alarms.clear(connection, over, now)

    await hub.database.transact(keep)
    if proof is Proof.WRONG:
        hub.wake.ring("subscriptions")
        raise Quarantined(
            f"The signature fits none of {name}'s webhook_secrets; the delivery is kept aside",
            hint="add the subscription's secret to webhook_secrets; the provider will deliver again",
        )
    hub.wake.ring("hooks")
    heard.accepted(hub, name, request, hook.id)
    if name in hub.active.subscribed:
        hub.wake.ring("subscriptions")
    return hook.id


def _wrong_signature(connector: str) -> Alarm:
    return Alarm(
        key=f"webhook-signature/{connector}", connector=connector, title=f"Webhooks of {connector} carry a wrong signature",
        text=f"A known subscription of {connector} signs with a secret that is none of its webhook_secrets. What it sends is kept"
        " aside and not applied; acknowledgements made there are learned by reading alone. Add the subscription's secret to"
        " webhook_secrets, or make the subscription anew.",
    )  # fmt: skip


def _unencrypted(connector: str) -> Alarm:
    return Alarm(
        key=f"webhook-plain/{connector}", connector=connector, title=f"Webhooks of {connector} come without encryption",
        text=f"A genuine webhook of {connector} came over http from another machine, and was asked for again. Its provider must call the"
        " https address; where a proxy ends TLS, TOCSIN_TRUSTED_PROXIES must name it. Until then what happens there is learned by"
        " reading alone.",
    )  # fmt: skip


async def work_off(hub: Hub) -> int:
    """Apply one pending webhook; how many were found."""

    at_work: list[Hook] = []
    done: list[Callable[[], None]] = []

    async def work(connection: Connection) -> int:
        at_work[:], done[:] = await hooks.claim(connection, 1), []
        done.extend([await _apply(connection, hub, hook) for hook in at_work])
        if at_work:
            await end_agreed(connection, hub.now())
        return len(at_work)

    try:
        count = await hub.database.transact(work)
    except DatabaseAway:
        raise  # says nothing about the webhook, which stays pending
    except Exception as fault:  # noqa: BLE001 - one bad webhook must not hold up the others
        log.error("webhook_failed", fault=type(fault).__name__, message=str(fault)[:300])
        name = type(fault).__name__
        count = await hub.database.transact(lambda c: _set_aside(c, at_work, name))
        done.clear()
    for tell in done:
        tell()
    if count:
        rung(hub)
    return count


async def _set_aside(connection: Connection, found: list[Hook], fault: str) -> int:
    for hook in found:
        state = "failed" if hook.attempts + 1 >= _MOST_TRIES else "pending"
        await hooks.settle(connection, hook, state, f"failed: {fault}")
    return len(found)


async def _apply(connection: Connection, hub: Hub, hook: Hook) -> Callable[[], None]:
    """Returns what is to be said of it when that is committed."""
    connector = hub.policy.connectors.get(hook.connector)
    kind = hub.providers.get(connector.type) if connector else None
    if connector is None or kind is None:
        await hooks.settle(connection, hook, "failed", "its connector is gone")
        return partial(heard.unreadable, hub, hook, "its connector is gone")
    request = Request(method="POST", headers=hook.headers, query=hook.query, body=hook.body)
    try:
        changes = kind.module.read_webhook(request)
    except Malformed as fault:
        await hooks.settle(connection, hook, "failed", f"unreadable: {fault.message}")
        return partial(heard.unreadable, hub, hook, fault.message)
    with begun(hub, Acting(origin="webhook", address=hook.remote_address)):
        told = [await follow(connection, hub, connector, change) for change in changes]
    await hooks.settle(connection, hook, "done", "; ".join(told) or "nothing in it")
    return partial(heard.followed, hub, hook, changes, told)
