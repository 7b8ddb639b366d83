"""How is a connector, and why? What a live check and the hub's own records say, judged together (PR-12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.core.breaker import Breaker, BreakerState
from tocsin.core.checks import Line, State

ERRORS_TO_TELL = 0.05
"""Share of attempts that failed within a day from which on a connector is degraded; of MANY at least."""

MANY = 10
QUOTA_TO_TELL = 0.8
SLOW_ANSWER = timedelta(seconds=3)
LATE_READS = 3
"""Intervals without a reading after which a connector that is read back is behind."""

_THINGS = ("service", "policy", "user", "responder", "recipient", "sender", "reading")


class Health(StrEnum):
    """UNHEALTHY: pages do not go through. DEGRADED: they do, and something is wrong all the same."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One side of a connector's health; `name` is stable."""

    name: str
    state: State
    text: str
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known. `lines` = the live check, None = it was not asked; `answered_in` = its first answer. `polls_why` =
    why incidents are read back instead of told by webhook, "" = they are told. `attempts` and `errors` are of a day,
    `calls` of the last minute, of at most `most_calls` (0 = no limit). `live` incidents are there, read last at
    `read_at`, every `every`; `queued` effects wait, the oldest since `oldest`."""

    now: datetime
    lines: tuple[Line, ...] | None = None
    answered_in: timedelta | None = None
    breaker: Breaker = field(default_factory=Breaker)
    slow: bool = False
    heard_at: datetime | None = None
    polls_why: str = ""
    unproven: bool = False
    live: int = 0
    read_at: datetime | None = None
    every: timedelta = timedelta(minutes=5)
    attempts: int = 0
    errors: int = 0
    last_error: str = ""
    queued: int = 0
    oldest: datetime | None = None
    calls: int = 0
    most_calls: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The verdict and what it rests on, in the order to be shown."""

    health: Health
    aspects: tuple[Aspect, ...]


def judged(facts: Facts) -> Judged:
    """Pages do not go through when nobody answers, the credentials are refused or the breaker is open."""
    aspects = (
        *_live(facts),
        _webhook(facts),
        _sync(facts),
        _errors(facts),
        _breaker(facts),
        _queue(facts),
        _quota(facts),
    )
    fatal = ("api", "authentication", "breaker")
    if any(one.name in fatal and one.state is State.FAILED for one in aspects):
        return Judged(health=Health.UNHEALTHY, aspects=aspects)
    bad = any(one.state in (State.FAILED, State.WARNING) for one in aspects)
    return Judged(health=Health.DEGRADED if bad else Health.HEALTHY, aspects=aspects)


def _live(facts: Facts) -> Iterable[Aspect]:
    if facts.lines is None:
        return
    api = next((line for line in facts.lines if line.subject in ("api", "login")), None)
    if api is not None:
        refused = api.state is State.FAILED and not api.unreachable
        yield _connectivity(facts, api, refused)
        yield _authentication(facts, api, refused)
    things = [line for line in facts.lines if line.subject in _THINGS]
    if wrong := [line for line in things if line.state is State.FAILED]:
        text = wrong[0].text + (f", and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        yield Aspect(name="access", state=State.FAILED, text=text, step=wrong[0].step)
    elif good := [line for line in things if line.state is State.OK]:
        text = good[0].text.removeprefix("Service ")
        more = f", and {len(good) - 1} more" if len(good) > 1 else ""
        yield Aspect(name="access", state=State.OK, text=text + more)


def _connectivity(facts: Facts, api: Line, refused: bool) -> Aspect:
    took = facts.answered_in
    if api.state is State.FAILED and not refused:
        return Aspect(name="api", state=State.FAILED, text=api.text, step=api.step)
    ms = f" ({took.total_seconds() * 1000:.0f}ms response time)" if took is not None else ""
    if took is not None and took >= SLOW_ANSWER:
        return Aspect(name="api", state=State.WARNING, text=f"Connected, slowly{ms}", step="see the provider's status page")  # fmt: skip
    return Aspect(name="api", state=State.OK, text=f"Connected{ms}")


def _authentication(facts: Facts, api: Line, refused: bool) -> Aspect:
    lines = facts.lines or ()
    bad = api if refused else next((one for one in lines if one.subject in ("write", "login") and one.state is State.FAILED), None)  # fmt: skip
    if bad is not None:
        return Aspect(name="authentication", state=State.FAILED, text=bad.text, step=bad.step)
    if api.state is State.FAILED:
        return Aspect(name="authentication", state=State.UNKNOWN, text="not known: nobody answered")
    subjects = {line.subject for line in lines}
    text = "Signed in" if "login" in subjects else "Needs none" if "sender" in subjects else "Valid API key"
    return Aspect(name="authentication", state=State.OK, text=text)


def _webhook(facts: Facts) -> Aspect:
    heard = f"last: {_ago(facts.heard_at, facts.now)}" if facts.heard_at else "none came yet"
    if facts.unproven:
        text = f"Our own writes do not come back ({heard}): incidents are read back instead"
        return Aspect(name="webhook", state=State.WARNING, text=text, step="im connector webhook, with --test, shows where they stay")  # fmt: skip
    if facts.polls_why:
        return Aspect(name="webhook", state=State.OK, text=f"Reading back instead: {facts.polls_why}")
    if facts.heard_at is None:
        return Aspect(name="webhook", state=State.WARNING, text="None came yet", step="im connector webhook, with --enable, sets it up")  # fmt: skip
    return Aspect(name="webhook", state=State.OK, text=f"Receiving events ({heard})")


def _sync(facts: Facts) -> Aspect:
    if not facts.live:
        return Aspect(name="sync", state=State.OK, text="Up to date (nothing is open there)")
    if facts.read_at is None:
        return Aspect(name="sync", state=State.UNKNOWN, text=f"{facts.live} open there, not read back yet")
    text = f"(last sync: {_ago(facts.read_at, facts.now)})"
    if facts.now - facts.read_at > LATE_READS * facts.every:
        return Aspect(
            name="sync", state=State.WARNING, text=f"Behind {text}", step="im connector sync reads now"
        )
    return Aspect(name="sync", state=State.OK, text=f"Up to date {text}")


def _errors(facts: Facts) -> Aspect:
    rate = facts.errors / facts.attempts if facts.attempts else 0.0
    text = f"{rate * 100:.0f}% ({facts.errors} {'error' if facts.errors == 1 else 'errors'} in 24h)"
    if rate >= ERRORS_TO_TELL and facts.attempts >= MANY:
        return Aspect(name="errors", state=State.WARNING, text=text, step=f"last: {facts.last_error}" if facts.last_error else "")  # fmt: skip
    return Aspect(name="errors", state=State.OK, text=text)


def _breaker(facts: Facts) -> Aspect:
    state = facts.breaker.state
    if state is BreakerState.OPEN:
        text = "Open: calls fail and are held back" + (f" ({facts.last_error})" if facts.last_error else "")
        return Aspect(
            name="breaker", state=State.FAILED, text=text, step="pages go to the next target meanwhile"
        )
    if state is BreakerState.HALF_OPEN:
        return Aspect(name="breaker", state=State.WARNING, text="Half open: one real call tries the way")
    if facts.slow:
        return Aspect(name="breaker", state=State.WARNING, text="Closed, but pages notified nobody in time of late: others are asked first")  # fmt: skip
    return Aspect(name="breaker", state=State.OK, text="Closed")


def _queue(facts: Facts) -> Aspect:
    if not facts.queued:
        return Aspect(name="queue", state=State.OK, text="Empty")
    since = (
        f", the oldest due {_ago(facts.oldest, facts.now)}"
        if facts.oldest and facts.oldest < facts.now
        else ""
    )
    late = facts.oldest is not None and facts.now - facts.oldest > timedelta(minutes=1)
    return Aspect(
        name="queue", state=State.WARNING if late else State.OK, text=f"{facts.queued} waiting{since}"
    )


def _quota(facts: Facts) -> Aspect:
    if not facts.most_calls:
        return Aspect(name="rate_limit", state=State.OK, text=f"{facts.calls} calls in the last minute, no limit is kept to")  # fmt: skip
    use = facts.calls / facts.most_calls
    text = f"{use * 100:.0f}% ({facts.calls} of {facts.most_calls:.0f} calls in the last minute)"
    return Aspect(name="rate_limit", state=State.WARNING if use >= QUOTA_TO_TELL else State.OK, text=text)


def _ago(when: datetime | None, now: datetime) -> str:
    if when is None:
        return "never"
    seconds = max((now - when).total_seconds(), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit} ago"
    return f"{seconds:.0f}s ago"
