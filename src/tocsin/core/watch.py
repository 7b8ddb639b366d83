"""Does the hub do its own work, and will what it needs be there tomorrow? Gathered facts -> alarms.

What holds in one look may be over in the next (a machine that was asleep, a backlog after a start): an alarm is
raised when two looks in a row agree, and cleared when two agree that it is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.core.alarm import Alarm
from tocsin.core.breaker import BreakerState
from tocsin.core.severity import Severity

UNDECIDED_AFTER = timedelta(seconds=30)
LATE_AFTER = timedelta(seconds=60)
"""Due work, timers and webhooks that nobody took up for so long are stuck."""
SLOW_AFTER = timedelta(minutes=5)
NO_SUCCESS_AFTER = timedelta(hours=6)
NOTICE = timedelta(days=14)
"""How long before its end a token or a certificate is told of; for a short-lived token a third of its life."""
LAST_NOTICE = timedelta(days=3)
SILENT_AFTER = timedelta(seconds=30)
LEAST_FREE, LEAST_FREE_SHARE, ROOM_ENOUGH, HARDLY_FREE = 1024**3, 0.05, 10 * 1024**3, 256 * 1024**2
"""Of the disk of the data folder: least bytes, or share of the whole, to be free; what is enough on any disk; and
what is so little that it is critical."""

STUCK, SLOW, BREAKER, NO_SUCCESS = "outbox-stuck/", "queue-slow/", "breaker-open/", "no-success/"
UNDECIDED, TIMERS, HOOKS = "undecided", "timers-late", "webhooks-late"
TOKEN, CERTIFICATE, PARTITIONS, NODE, DISK = (
    "token-ends/",
    "certificate-ends/",
    "partitions",
    "node-silent/",
    "disk/",
)
_OURS = (
    STUCK,
    SLOW,
    BREAKER,
    NO_SUCCESS,
    UNDECIDED,
    TIMERS,
    HOOKS,
    TOKEN,
    CERTIFICATE,
    PARTITIONS,
    NODE,
)
_CANNOT_PAGE = (STUCK, UNDECIDED, TIMERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Outgoing work of one connector. `due_since` = when the oldest of what could be sent now fell due, None =
    nothing is due; `tried_since` = since when the oldest of what was tried in vain exists."""

    connector: str
    due_since: datetime | None = None
    tried_since: datetime | None = None
    breaker: BreakerState = BreakerState.CLOSED
    opened_at: datetime | None = None
    hold_until: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A token that ends soon."""

    id: str
    name: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """A node that neither speaks nor said good-bye, and that no node of its name replaced."""

    id: str
    name: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one look found. Instants without work are None; `certificates` maps a host to the end of its
    certificate; `weeks_missing` names tables without next week's partition; `awake_since` as on the hub; `held` = everything
    waits on purpose (S48)."""

    queues: tuple[Queue, ...] = ()
    undecided_since: datetime | None = None
    timer_due: datetime | None = None
    hook_since: datetime | None = None
    tokens: tuple[Ending, ...] = ()
    silent: tuple[Silent, ...] = ()
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    weeks_missing: tuple[str, ...] = ()
    awake_since: datetime | None = None
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk of a node's data folder, in bytes."""

    node: str
    folder: str
    free: int
    size: int


def judge(seen: Watched, now: datetime) -> list[Alarm]:
    """What does not work, or soon will not."""
    return [
        *(alarm for queue in seen.queues if not seen.held for alarm in _queue(queue, seen.awake_since, now)),
        *_own_work(seen, now),
        *_endings(seen, now),
        *_house(seen, now),
    ]


def judge_disk(disk: Disk) -> list[Alarm]:
    """Too little room: alerts cannot be kept while the database is away, nor an embedded one go on."""
    if disk.free >= min(max(disk.size * LEAST_FREE_SHARE, LEAST_FREE), ROOM_ENOUGH):
        return []
    severity = Severity.CRITICAL if disk.free < HARDLY_FREE else Severity.HIGH
    return [
        Alarm(
            key=DISK + disk.node, title=f"The disk of {disk.node} is nearly full", severity=severity,
            text=f"{_bytes(disk.free)} of {_bytes(disk.size)} are free at {disk.folder}. Without room, alerts are refused"
            " while the database is away, and an embedded database stops. Make room there, or give it a larger disk.",
        )
    ]  # fmt: skip


def changes(
    found: Sequence[Alarm],
    before: Collection[str] | None,
    going_on: Collection[str],
    *,
    ours: Iterable[str] = _OURS,
) -> tuple[list[Alarm], list[str]]:
    """(alarms to sound, names to clear), by this look, the names of the one `before` (None = this is the first)
    and those that go on. What goes on is sounded again, so that its words are the latest."""
    names = {alarm.key for alarm in found}
    sound = [
        alarm for alarm in found if alarm.key in going_on or (before is not None and alarm.key in before)
    ]
    mine = tuple(ours)
    over = [
        key for key in going_on if key.startswith(mine) and key not in names and key not in (before or ())
    ]
    return sound, over if before is not None else []


def cannot_page(found: Iterable[Alarm]) -> list[str]:
    """Titles of those that mean: a page may not leave this hub."""
    return [alarm.title for alarm in found if alarm.key.startswith(_CANNOT_PAGE)]


def _queue(queue: Queue, awake_since: datetime | None, now: datetime) -> Iterator[Alarm]:
    name = queue.connector
    if queue.breaker is not BreakerState.CLOSED:
        if queue.opened_at is not None and now - queue.opened_at > SLOW_AFTER:
            yield Alarm(
                key=BREAKER + name, connector=name, title=f"{name} has not worked for {_span(now - queue.opened_at)}",
                text=f"Its breaker has been open since {_at(queue.opened_at)}: {queue.last_error or 'calls fail'}. What waits"
                f" for it is kept and sent when it works again; pages go to others meanwhile. Next: im connector status {name}",
            )  # fmt: skip
        return
    held = queue.hold_until is not None and now < queue.hold_until
    due = _since(queue.due_since, awake_since)
    lately = queue.last_success_at is not None and now - queue.last_success_at <= LATE_AFTER
    if due is not None and now - due > LATE_AFTER and not held and not lately:
        yield Alarm(
            key=STUCK + name, connector=name, title=f"What goes to {name} is stuck", severity=Severity.CRITICAL,
            text=f"Work that fell due at {_at(due)} is not sent, and neither a breaker nor a rate limit explains it."
            " No node may be sending. Next: im status; the log of each node; restart the one that hangs.",
        )  # fmt: skip
        return
    tried = _since(queue.tried_since, awake_since)
    oldest = min((at for at in (due, tried) if at is not None), default=None)
    if oldest is not None and now - oldest > SLOW_AFTER:
        why = "it asks us to wait" if held else queue.last_error or "it takes less than comes"
        yield Alarm(
            key=SLOW + name, connector=name, title=f"{name} is {_span(now - oldest)} behind",
            text=f"The oldest of what goes there waits since {_at(oldest)}: {why}. Next: im connector status {name}",
        )  # fmt: skip
    elif _fails(queue, now):
        assert queue.last_success_at is not None
        yield Alarm(
            key=NO_SUCCESS + name, connector=name, title=f"Nothing has succeeded at {name} for {_span(now - queue.last_success_at)}",
            text=f"It last worked at {_at(queue.last_success_at)}, and what was tried since failed: {queue.last_error}."
            f" Next: im connector status {name}",
        )  # fmt: skip


def _fails(queue: Queue, now: datetime) -> bool:
    success, failure = queue.last_success_at, queue.last_failure_at
    if success is None or failure is None or failure <= success:
        return False
    return now - success > NO_SUCCESS_AFTER and now - failure <= NO_SUCCESS_AFTER


def _own_work(seen: Watched, now: datetime) -> Iterator[Alarm]:
    step = "Next: im status; the log of each node; restart the one that hangs."
    undecided = _since(seen.undecided_since, seen.awake_since)
    if undecided is not None and now - undecided > UNDECIDED_AFTER:
        yield Alarm(
            key=UNDECIDED, title="Alerts wait for their decision", severity=Severity.CRITICAL,
            text=f"The oldest was taken at {_at(undecided)} and is not decided: nobody is paged for it. {step}",
        )  # fmt: skip
    timer = _since(seen.timer_due, seen.awake_since)
    if timer is not None and now - timer > LATE_AFTER and not seen.held:
        yield Alarm(
            key=TIMERS, title="Escalations are late", severity=Severity.CRITICAL,
            text=f"A page was to be looked at again at {_at(timer)} and was not: its next step is not taken. {step}",
        )  # fmt: skip
    hook = _since(seen.hook_since, seen.awake_since)
    if hook is not None and now - hook > LATE_AFTER:
        yield Alarm(
            key=HOOKS, title="Webhooks are not worked off",
            text=f"One that came at {_at(hook)} waits: what people do at a provider is not followed here. {step}",
        )  # fmt: skip


def _endings(seen: Watched, now: datetime) -> Iterator[Alarm]:
    for token in seen.tokens:
        notice = min(NOTICE, (token.expires_at - token.made_at) / 3)
        if now < token.expires_at <= now + notice:
            yield Alarm(
                key=TOKEN + token.id, title=f"The API token {token.name} ends at {_at(token.expires_at)}",
                severity=_urgency(token.expires_at, now),
                text="What uses it is refused from then on. Next: im token create with the same scopes, give it to its user,"
                f" then im token revoke {token.id}",
            )  # fmt: skip
    for host, end in sorted(seen.certificates.items()):
        if end <= now + NOTICE:
            verb = "ended" if end <= now else "ends"
            yield Alarm(
                key=CERTIFICATE + host, title=f"The certificate of {host} {verb} at {_at(end)}", severity=_urgency(end, now),
                text="Connections to it fail from then on. Whoever runs it must renew the certificate.",
            )  # fmt: skip


def _house(seen: Watched, now: datetime) -> Iterator[Alarm]:
    if seen.weeks_missing:
        yield Alarm(
            key=PARTITIONS, title="Next week's partitions are missing",
            text=f"{', '.join(seen.weeks_missing)}: rows go to the default partition, which retention cannot drop. The log"
            " names why making them failed (partitions_failed); a restart tries again.",
        )  # fmt: skip
    for node in seen.silent:
        yield Alarm(
            key=NODE + node.id, title=f"The node {node.name} fell silent", severity=Severity.MEDIUM,
            text=f"It was last heard at {_at(node.seen_at)} and did not say good-bye. Its work was taken over. Next: look at"
            " its machine and its log, and start it again; it is forgotten after a day.",
        )  # fmt: skip


def _urgency(end: datetime, now: datetime) -> Severity:
    return Severity.MEDIUM if end <= now + LAST_NOTICE else Severity.LOW


def _since(at: datetime | None, awake_since: datetime | None) -> datetime | None:
    """What waited while nobody was awake was missed, not refused: it counts from the waking."""
    return max(at, awake_since) if at is not None and awake_since is not None else at


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(of: timedelta) -> str:
    minutes = int(of.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _bytes(count: int) -> str:
    return f"{count / 1024**3:.1f} GiB" if count >= 1024**3 else f"{count / 1024**2:.0f} MiB"
