"""Send an alarm without alert, decision or outbox: one of those may be what it speaks of."""

from __future__ import annotations

from tocsin.core.alarm import Alarm
from tocsin.core.ports import Accepted, Effect, EffectKind
from tocsin.engine import deliver
from tocsin.engine.hub import Hub, log
from tocsin.engine.line import Line
from tocsin.engine.wire import Wire


async def send(hub: Hub, wire: Wire, alarm: Alarm) -> list[str]:
    """Ask the last resort, else who mails people, else every connector; but for the one it speaks of. Who took it.

    Breaker, bucket and queue are passed by: this is one message, and nobody was reached in their order.
    """
    if not hub.active.unsealed:
        return []
    names = hub.policy.defaults.last_resort or ((hub.mailer,) if hub.mailer else tuple(hub.policy.connectors))
    others = [name for name in names if name != alarm.connector and hub.reaches_here(name)]
    return [name for name in others or names if await _ask(hub, wire, name, alarm)]


async def _ask(hub: Hub, wire: Wire, name: str, alarm: Alarm) -> bool:
    connector = hub.policy.connectors[name]
    kind = hub.providers.get(connector.type)
    if kind is None:
        return False
    now = hub.now()
    effect = Effect(
        kind=EffectKind.CREATE, key=f"tocsin:{hub.installation}:alarm:{alarm.key}:{int(now.timestamp())}", incident="",
        title=f"Tocsin: {alarm.title}", severity=alarm.severity, opened_at=now,
        description=f"{alarm.text}\n\nThis was sent by the hub's own watch: nobody was seen to have got it through the outbox.",
        incident_url=hub.public_url, look_first=False,
    )  # fmt: skip
    try:
        outcome = await deliver.converse(
            kind.module, Line(hub, wire, connector), effect, hub.active.settings_of(connector), deliver.Talk()
        )
    except Exception as fault:  # noqa: BLE001 - a provider's bug must not keep the next from being asked
        log.error("direct_failed", connector=name, fault=type(fault).__name__)
        return False
    return isinstance(outcome, Accepted)
