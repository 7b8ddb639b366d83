"""How is a connector now? A live question to its provider, beside what is on record here (PR-12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tocsin.core.breaker import Breaker
from tocsin.core.connector_health import Facts, Judged, judged
from tocsin.core.policy import Connector
from tocsin.engine import reconcile, trial
from tocsin.engine.deliver import rate_of
from tocsin.engine.hub import Hub
from tocsin.engine.wire import Wire
from tocsin.store import outbox, vitals
from tocsin.store.database import Connection
from tocsin.store.outbox import ConnectorState
from tocsin.store.vitals import Beat

LONGEST = timedelta(days=30)
BY_MINUTE = timedelta(hours=24)
"""A window up to this long is shown by minute, a longer one by hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The verdict on one connector and how it went over the window."""

    connector: Connector
    judged: Judged
    beats: tuple[Beat, ...] = ()
    by_hour: bool = False


async def look(hub: Hub, wire: Wire, name: str, *, ask: bool, window: timedelta = timedelta(0)) -> Found:
    """One connector; `ask` its provider too. Raises NotFound."""
    connector = trial.known(hub, name)
    now = hub.now()
    by_hour = window > BY_MINUTE
    start = now - min(window, LONGEST)

    async def work(connection: Connection) -> tuple[ConnectorState | None, vitals.Vitals, list[Beat]]:
        beats = await vitals.beats(connection, name, start, hours=by_hour) if window else []
        return (await outbox.states(connection)).get(name), await vitals.of(connection, name, now), beats

    state, known, beats = await hub.database.read(work)
    tried = None
    if ask and hub.active.unsealed and trial.ABILITY in hub.abilities(name):
        tried = await trial.stored(hub, wire, name)
    facts = Facts(
        now=now, lines=tried.verdict.lines if tried else None, answered_in=tried.answered_in if tried else None,
        breaker=state.breaker if state else Breaker(), slow=bool(state and state.slow_until and state.slow_until > now),
        heard_at=state.last_webhook_at if state else None, polls_why=_polls_why(hub, connector),
        unproven=bool(state and state.unproven_since), live=known.live, read_at=known.read_at, every=connector.sync_interval,
        attempts=known.attempts, errors=known.errors, last_error=state.last_error if state else "", queued=known.queued,
        oldest=known.oldest, calls=known.calls, most_calls=rate_of(hub, name).per_minute,
    )  # fmt: skip
    return Found(connector=connector, judged=judged(facts), beats=tuple(beats), by_hour=by_hour)


def _polls_why(hub: Hub, connector: Connector) -> str:
    if "verify_webhook" not in hub.abilities(connector.name):
        return "this provider sends no webhooks"
    if not connector.enable_webhook:
        return "enable_webhook is false"
    if reconcile.polls(hub, connector, False):
        return f"TOCSIN_PUBLIC_URL is not set; every {reconcile.POLL_EVERY.total_seconds():.0f} s"
    return ""
