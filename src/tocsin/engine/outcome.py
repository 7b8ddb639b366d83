"""What does an answer mean here? Facts of the remote, the end of the effect, lines, alarms, differences: values only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from tocsin.core.alarm import Alarm
from tocsin.core.breaker import backoff
from tocsin.core.bundle import named
from tocsin.core.divergence import Difference, missing, refused
from tocsin.core.model import Incident, Line
from tocsin.core.ports import (
    Accepted,
    EffectKind,
    Outcome,
    Pending,
    Rejected,
    RemoteStatus,
    Retry,
    Skipped,
)
from tocsin.core.values import replace
from tocsin.engine.hub import log
from tocsin.engine.ids import jitter
from tocsin.store.outbox import Remote, Work
from tocsin.store.outcomes import Delivery, Outcomes, Settled
from tocsin.store.sheet import Sheet

PAGES = (EffectKind.CREATE, EffectKind.REOPEN)
PACED_BY_BREAKER = timedelta(seconds=4)
REFUSED = "refused/{}"
NEVER_CREATED = "its page was never created there, and is not wanted any more"
_REACHED = {
    EffectKind.ACKNOWLEDGE: RemoteStatus.ACKNOWLEDGED,
    EffectKind.SNOOZE: RemoteStatus.ACKNOWLEDGED,
    EffectKind.RESOLVE: RemoteStatus.RESOLVED,
    EffectKind.MERGE: RemoteStatus.RESOLVED,
    EffectKind.CREATE: RemoteStatus.TRIGGERED,
    EffectKind.REOPEN: RemoteStatus.TRIGGERED,
}
_DONE_WORDS = {
    EffectKind.ACKNOWLEDGE: "is told: acknowledged",
    EffectKind.SNOOZE: "is told: snoozed, a little longer than here",
    EffectKind.RESOLVE: "is told: resolved",
    EffectKind.NOTE: "has the note",
    EffectKind.UPDATE: "has the new text",
    EffectKind.CREATE: "has created it",
    EffectKind.REOPEN: "has reopened it",
    EffectKind.MERGE: "has merged it",
    EffectKind.ESCALATE: "is told: escalated",
    EffectKind.ASSIGN: "is told: assigned",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One conversation about an effect: outcome, the provider's step and HTTP status it ended on. `twin` = a
    page that another target has was looked for, since it may have been created (S29). `beside` names the other
    incidents that the same page told (S22)."""

    outcome: Outcome
    step: str
    status: int | None
    took_ms: float
    calls: int
    twin: bool = False
    beside: tuple[str, ...] = ()


@dataclass(slots=True)
class Results:
    """What the outcomes of one transaction change: rows of their own, the sheet, differences to be listed."""

    outcomes: Outcomes = field(default_factory=Outcomes)
    sheet: Sheet = field(default_factory=Sheet)
    differences: list[tuple[Incident, Remote, Difference]] = field(default_factory=list)

    def end(self, work: Work, state: str, reason: str) -> None:
        """The effect is over for good."""
        self.outcomes.settled.append(Settled(effect=work.id, state=state, reason=reason))


def as_sent(work: Work, sent_as: EffectKind, attempt: Attempt) -> tuple[Work, Attempt]:
    """From here on it is what it was sent as: a page that is not wanted any more may have been settled by
    looking (S29)."""
    if sent_as is work.kind:
        return work, attempt
    twin = work.kind in PAGES
    return replace(work, kind=sent_as), replace(_never_created(attempt), twin=twin)


def attempt_of_each(
    works: Sequence[Work], attempt: Attempt, names: Sequence[str]
) -> Iterator[tuple[Work, Attempt]]:
    """What one attempt was for each of the works that left in it; `names` are those of their incidents, in order. The
    calls count for one of them. What has an id there already keeps it: what follows is told in its thread."""
    if len(works) == 1:
        yield works[0], attempt
        return
    for number, (work, name) in enumerate(zip(works, names, strict=True)):
        outcome = attempt.outcome
        if isinstance(outcome, Accepted) and work.remote.remote_id:
            outcome = replace(outcome, remote_id=work.remote.remote_id)
        beside = tuple(dict.fromkeys(other for other in names if other != name))
        yield work, replace(attempt, outcome=outcome, calls=0 if number else attempt.calls, beside=beside)


def _never_created(attempt: Attempt) -> Attempt:
    """It was looked for and is not there: the page was never created, and that is good now."""
    outcome = attempt.outcome
    if not isinstance(outcome, Rejected):
        return attempt
    return replace(attempt, outcome=Skipped(reason=NEVER_CREATED, status=RemoteStatus.UNKNOWN))


def follow(
    results: Results,
    incident: Incident,
    work: Work,
    attempt: Attempt,
    alarming: Collection[str],
    now: datetime,
) -> bool:
    """Put what follows on the results; True when the page must be looked at."""
    results.outcomes.deliveries.append(_delivery(work, attempt, now))
    outcome = attempt.outcome
    match outcome:
        case Accepted():
            _accepted(results, incident, work, outcome, attempt, alarming, now)
        case Skipped():
            _skipped(results, incident, work, outcome, now)
        case Retry():
            _again(results, incident, work, outcome, now)
        case Rejected():
            _rejected(results, incident, work, outcome, attempt, now)
        case Pending():
            raise AssertionError("a conversation never ends pending")
        case _:
            assert_never(outcome)
    # what waited for others has its time to be created from now on, not from the end of that wait
    again = isinstance(outcome, Retry) and work.remote.held_until is None
    return (work.kind in PAGES or attempt.twin) and not again


def _delivery(work: Work, attempt: Attempt, now: datetime) -> Delivery:
    outcome = attempt.outcome
    reason = getattr(outcome, "reason", "") or getattr(outcome, "note", "")
    return Delivery(
        at=now, effect=work.id, incident_id=work.remote.incident_id, connector=work.remote.connector,
        service=work.remote.service, kind=work.kind.value, attempt=work.attempts, step=attempt.step,
        outcome=type(outcome).__name__.lower(), reason=reason, status=attempt.status, took_ms=attempt.took_ms,
        calls=attempt.calls, bundle=work.bundle,
    )  # fmt: skip


def _accepted(
    results: Results, incident: Incident, work: Work, outcome: Accepted, attempt: Attempt, alarming: Collection[str],
    now: datetime,
) -> None:  # fmt: skip
    remote = work.remote
    facts: dict[str, Any] = {"accepted_at": now, "fault": ""}
    if outcome.created and (attempt.twin or work.kind in PAGES):
        # what is there belongs to us from now on, whoever else has it: acknowledged and resolved together (S29)
        facts |= {"created_at": now, "failed_at": None, "superseded_at": None}
        if (over := REFUSED.format(remote.connector)) in alarming:
            results.sheet.alarms_over.append(over)
    facts |= {"remote_id": outcome.remote_id} if outcome.remote_id else {}
    facts |= {"remote_url": outcome.remote_url} if outcome.remote_url else {}
    status = outcome.status if outcome.status is not RemoteStatus.UNKNOWN else _REACHED.get(work.kind)
    if status is not None:
        facts["status"] = status.value
        facts |= _since(status, now)
    results.end(work, "done", outcome.note)
    results.outcomes.learn(remote.id, **facts)
    words = _DONE_WORDS[work.kind]
    if work.kind is EffectKind.CREATE and not outcome.created:
        words = "has accepted it (not yet seen created)"
    if outcome.adopted:
        words = "has it already: adopted"
    if attempt.twin:
        words = f"has it after all: adopted, and {_DONE_WORDS[work.kind]}"
    about = f" ({remote.service})" if remote.service and len(incident.parts) > 1 else ""
    what = f" as {outcome.remote_id}" if outcome.remote_id and work.kind in PAGES else ""
    tail = f" ({outcome.note})" if outcome.note else ""
    if attempt.beside:
        tail += f", in one page with {named(attempt.beside)}"
    kind = (
        "page_created"
        if work.kind in PAGES and outcome.created
        else "page_accepted"
        if work.kind in PAGES
        else "told"
    )
    took = (now - work.made_at).total_seconds() * 1000
    data = {
        "connector": remote.connector,
        "remote_id": outcome.remote_id,
        "calls": attempt.calls,
        "sent_ms": attempt.took_ms,
    } | ({"bundle": str(work.bundle), "beside": attempt.beside} if attempt.beside else {})
    line = Line(
        kind=kind,
        text=f"{remote.connector} {words}{what}{about}{tail}",
        reason="bundled" if attempt.beside else work.kind.value,
        took_ms=took,
        data=data,
    )
    results.sheet.tell(now, incident, line)


def _since(status: RemoteStatus, now: datetime) -> dict[str, Any]:
    if status is RemoteStatus.ACKNOWLEDGED:
        return {"acknowledged_at": now}
    return {"resolved_at": now} if status is RemoteStatus.RESOLVED else {}


def _skipped(results: Results, incident: Incident, work: Work, outcome: Skipped, now: datetime) -> None:
    remote = work.remote
    results.end(work, "done", outcome.reason)
    if outcome.status is not RemoteStatus.UNKNOWN:
        results.outcomes.learn(remote.id, status=outcome.status.value)
    elif not remote.created_at:
        results.outcomes.learn(remote.id, superseded_at=now, fault=outcome.reason)
    what = "" if outcome.reason == NEVER_CREATED else f"{work.kind.value} not written, "
    text = f"{remote.connector}: {what}{outcome.reason}"
    results.sheet.tell(now, incident, Line(kind="not_written", text=text, reason="skipped"))


def _again(results: Results, incident: Incident, work: Work, outcome: Retry, now: datetime) -> None:
    wait = backoff(work.attempts, jitter())
    if outcome.counts:
        # the breaker paces these for all; the work that served as its probes must not wait longest afterwards
        wait = min(wait, PACED_BY_BREAKER)
    wait = outcome.not_before or wait
    waiting = Settled(
        effect=work.id, state="waiting", reason=outcome.reason, due=now + wait, ambiguous=outcome.ambiguous
    )
    results.outcomes.settled.append(waiting)
    results.outcomes.learn(work.remote.id, fault=outcome.reason[:500])
    if work.attempts == 1 or work.attempts & (work.attempts - 1) == 0:
        # the first, second, fourth, eighth … attempt: an outage of hours must not fill the timeline
        text = f"{work.remote.connector}: {work.kind.value} failed ({outcome.reason}); tried again in {wait.total_seconds():.0f} s"
        line = Line(kind="delivery_failed", text=text, reason="retry", data={"attempt": work.attempts})
        results.sheet.tell(now, incident, line)


def _rejected(
    results: Results, incident: Incident, work: Work, outcome: Rejected, attempt: Attempt, now: datetime
) -> None:
    remote = work.remote
    results.end(work, "failed", outcome.reason)
    if work.kind in PAGES:
        results.outcomes.learn(remote.id, failed_at=now, fault=outcome.reason[:500])
        if outcome.remote_id:
            results.outcomes.learn(remote.id, remote_id=outcome.remote_id)
        if outcome.unreachable:
            # it is there, although it rings nobody: it is resolved there with the others (S28)
            results.outcomes.learn(remote.id, accepted_at=now, created_at=now)
    if outcome.gone:
        results.outcomes.learn(remote.id, status=RemoteStatus.UNKNOWN.value)
    if outcome.alarm:
        log.error(
            "rejected",
            connector=remote.connector,
            incident=incident.name,
            kind=work.kind.value,
            reason=outcome.reason,
        )
        if work.kind in PAGES or outcome.counts:
            results.sheet.alarms.append(_refused(work, outcome))
    kind = "page_failed" if work.kind in PAGES else "delivery_failed"
    text = f"{remote.connector} refused the {work.kind.value}: {outcome.reason}"
    ours = incident.status_of(remote.service)
    if outcome.gone:
        results.differences.append((incident, remote, missing(ours, outcome.reason)))
    elif work.kind not in PAGES:
        found = refused(work.kind, ours, remote.status, outcome.reason)
        results.differences.append((incident, remote, found))
    results.sheet.tell(
        now, incident, Line(kind=kind, text=text, reason="rejected", data={"status": attempt.status})
    )


def _refused(work: Work, outcome: Rejected) -> Alarm:
    """S28: what is wrong there stays wrong for the next page too, until somebody mends it."""
    name = work.remote.connector
    return Alarm(
        key=REFUSED.format(name), connector=name, title=f"{name} refuses what it is asked",
        text=f"It refused the {work.kind.value}: {outcome.reason}. Pages that go there fail over at once; `im doctor` checks its"
        " address, credentials and mappings.",
    )  # fmt: skip
