"""What does the log say of an attempt at a provider, and what may be kept of its answer?"""

from __future__ import annotations

from tocsin.core.ports import Accepted, Outcome, Pending, Rejected, Retry, Skipped
from tocsin.core.values import replace
from tocsin.engine.hub import Hub, log
from tocsin.engine.job import Job
from tocsin.engine.outcome import Attempt


def without_secrets(hub: Hub, outcome: Outcome) -> Outcome:
    """The outcome as it may stand in a timeline: a provider that repeats our key in its answer tells it to nobody."""
    redactor = hub.redactor()
    if isinstance(outcome, (Retry, Rejected, Skipped)):
        return replace(outcome, reason=redactor.known(outcome.reason))
    if isinstance(outcome, Accepted) and outcome.note:
        return replace(outcome, note=redactor.known(outcome.note))
    return outcome


def say(job: Job, attempt: Attempt) -> None:
    """One line: what was told to whom, what came of it, how long it took."""
    work, outcome = job.work, attempt.outcome
    assert not isinstance(outcome, Pending)
    word = _WORDS[type(outcome)]
    why = getattr(outcome, "reason", "")
    name = work.remote.connector
    told = log.info if isinstance(outcome, (Accepted, Skipped)) else log.warning
    told(
        "delivery", connector=name, incident=job.incident.name, kind=work.kind.value, result=word, attempt=work.attempts,
        status=attempt.status, took_ms=round(attempt.took_ms, 1), calls=attempt.calls, step=attempt.step,
        message=f"{name}: {work.kind.value} of {job.incident.name} {word}{f': {why}' if why else ''}",
    )  # fmt: skip


_WORDS = {Accepted: "accepted", Skipped: "not needed", Retry: "is tried again", Rejected: "rejected"}
