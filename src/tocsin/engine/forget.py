"""The house is kept: what only grows is forgotten by `defaults.retention`, but never what is still work."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from tocsin.core.retention import Retention
from tocsin.engine import weigh
from tocsin.engine.hub import Hub, log
from tocsin.store import aliases, audit, bundles, configs, digests, messages, proofs, retention
from tocsin.store.database import Connection

_ROUNDS, _LEFT_LONG_AGO = 50, timedelta(days=1)
"""Batches of effects in one go; the rest waits for the next."""


async def forget(hub: Hub) -> list[str]:
    """Forget what is old enough; the partitions that were dropped.

    A table that is busy is left for the next time. What is not decided or
    applied yet stays, however old it is.
    """
    now, kept = hub.now(), hub.policy.defaults.retention
    await hub.database.transact(lambda c: _keep_proofs(c, hub))
    dropped: list[str] = []
    for table, span in _spans(kept).items():
        try:
            needed = await hub.database.read(lambda c, table=table: retention.still_needed(c, table))  # type: ignore[misc]
            until = min(now - span, needed) if needed else now - span
            farewell = partial(audit.before_drop, now=now) if table == "audit" else None
            dropped += await retention.drop_before(hub.database, table, until.date(), farewell)
        except Exception as fault:  # noqa: BLE001 - tried again in some hours; the other tables need not wait
            log.warning(
                "not_forgotten_yet", table=table, fault=type(fault).__name__, message=str(fault)[:200]
            )
    for _ in range(_ROUNDS):
        if not await hub.database.transact(lambda c: retention.trim_effects(c, now - kept.deliveries)):
            break
    for _ in range(_ROUNDS):
        if not await hub.database.transact(aliases.mark_ended):
            break
    await hub.database.transact(lambda c: retention.trim_small(c, now, now - kept.webhooks))
    await hub.database.transact(lambda c: configs.forget_unused(c, now))
    await hub.database.transact(lambda c: digests.trim(c, now - kept.deliveries))
    await hub.database.transact(lambda c: messages.trim(c, now - kept.deliveries))
    await hub.database.transact(lambda c: bundles.trim(c, now - _LEFT_LONG_AGO))
    if dropped:
        log.info("forgotten", partitions=dropped)
    return dropped


def _spans(kept: Retention) -> dict[str, timedelta]:
    return {
        "raw_request": kept.requests,
        "event": kept.requests,
        "timeline": kept.timeline,
        "delivery": kept.deliveries,
        "hook": kept.webhooks,
        "audit": kept.audit,
        "log_line": kept.logs,
    }


async def _keep_proofs(connection: Connection, hub: Hub) -> None:
    """That a connector has taken a page is known longer than the attempt itself (S51)."""
    prints = {name: weigh.print_of(connector) for name, connector in hub.policy.connectors.items()}
    await proofs.note(connection, prints)
