"""How does the first page wait for nothing that is done once a connection?

PostgreSQL reads its catalogue, and plans each statement, when a connection first needs it; on a new connection an
alert's way took 100 ms of that. Every statement of the way is run here with nothing to find and nothing to write.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tocsin.core.breaker import Breaker
from tocsin.core.bucket import Rate
from tocsin.core.storm import Storm
from tocsin.store import (
    aliases,
    breakers,
    bundles,
    incidents,
    intake,
    outbox,
    outcomes,
    sheet,
    storms,
    timers,
    undecided,
)
from tocsin.store.database import Connection

CONNECTIONS = 6
"""As many as a single alert and the beginning of a burst use: the door, three deciders, couriers, outcomes."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = UUID(int=0)
_NOWHERE = ""
"""No connector has this name."""


async def rehearse(connection: Connection) -> None:
    """The way of a page from the door to its outcome, in its order; changes nothing, locks nothing."""
    await _comes_in(connection)
    await _is_decided(connection)
    await _is_sent(connection)
    await _is_settled(connection)
    await timers.claim_due(connection, _LONG_AGO, 0)
    await timers.next_due(connection)


async def _comes_in(connection: Connection) -> None:
    await intake.count_repeats(connection, [], _LONG_AGO)
    await intake.live_alerts(connection, [])
    await intake.rehearse_new(connection)
    await aliases.rehearse(connection)


async def _is_decided(connection: Connection) -> None:
    await undecided.claim(connection, 0, _LONG_AGO)
    await undecided.events_of(connection, [])
    await undecided.history(connection, [])
    await undecided.live_by_incident(connection, [])
    await breakers.open_breakers(connection, _LONG_AGO)
    await storms.lock(connection, {}, _LONG_AGO)
    await storms.save(connection, [_NO_STORM])
    await incidents.next_numbers(connection, 0)
    await sheet.rehearse_page(connection)


async def _is_sent(connection: Connection) -> None:
    await outbox.connectors_with_work(connection, _LONG_AGO)
    await outbox.locked_row(connection, _NOWHERE)
    await outbox.claim(connection, _NOWHERE, 0, _LONG_AGO, timedelta(0), node=None)
    await bundles.waiting(connection, _NOWHERE, _LONG_AGO, most=0)
    await bundles.left(connection, _NOWHERE)
    await bundles.rehearse_leaving(connection)
    await outbox.next_due(connection, _NOWHERE)
    await incidents.load(connection, [_NOBODY])
    await incidents.parts_of(connection, [])
    await outbox.rehearse_expected(connection)


async def _is_settled(connection: Connection) -> None:
    await incidents.lock(connection, [_NOBODY])
    await outbox.save_state(connection, _NOT_USED)
    await outcomes.rehearse_settled(connection)
    await outbox.remotes_of_all(connection, [_NOBODY])
    await outbox.has_waiting(connection, [])


_NOT_USED = outbox.ConnectorState(
    connector=_NOWHERE, breaker=Breaker(), hold_until=None, tokens=0, tokens_at=_LONG_AGO, last_success_at=None,
    last_failure_at=None, last_error="", last_webhook_at=None, proven_at=None, unproven_since=None, slow_until=None,
)  # fmt: skip
_NO_STORM = Storm(integration=_NOWHERE, rate=Rate(), tokens=0, at=_LONG_AGO)
