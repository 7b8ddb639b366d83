"""Whatever order, doubling, lateness or loss of webhooks and readings: both sides end in the last truth (S37, S44)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.divergence import agree
from tocsin.core.lifecycle import rule
from tocsin.core.model import Actor, ActorKind, Incident
from tocsin.core.policy import Direction
from tocsin.core.ports import ChangeKind, RemoteChange, RemoteState, RemoteStatus
from tocsin.core.reading import changes_of
from tocsin.core.remote import Expected, Known, Verdict, judge
from tocsin.core.values import replace

from .values import OPEN, T0, at, incident

K, S = ChangeKind, RemoteStatus
_NEXT = {
    S.TRIGGERED: ((K.ACKNOWLEDGED, S.ACKNOWLEDGED), (K.RESOLVED, S.RESOLVED)),
    S.ACKNOWLEDGED: ((K.UNACKNOWLEDGED, S.TRIGGERED), (K.RESOLVED, S.RESOLVED)),
    S.RESOLVED: ((K.REOPENED, S.TRIGGERED),),
}
ARRIVES = 100_000  # seconds: all of it comes a day after it happened


@dataclass
class Hub:
    """One incident here, and what is known of it there; `hear` does what engine/follow.py does."""

    incident: Incident = field(default_factory=lambda: incident(OPEN))
    known: Known = field(default_factory=lambda: Known(S.TRIGGERED, T0))
    started: datetime = T0
    seen: set[str] = field(default_factory=set)
    id: int = 7
    key: str = "k"
    remote_id: str = "Q1"
    asked_at: datetime = T0
    notified_at: datetime | None = T0
    exhausted_at: datetime | None = None
    failed_at: datetime | None = None
    resolved_at: datetime | None = None

    @property
    def status(self) -> RemoteStatus:
        return self.known.status

    @property
    def there_at(self) -> datetime | None:
        return self.known.since

    @property
    def expected(self) -> tuple[Expected, ...]:
        return self.known.expected

    def hear(self, change: RemoteChange, now: datetime) -> None:
        if change.delivery_id in self.seen:
            return
        self.seen.add(change.delivery_id)
        found = judge(
            change, self.incident, self.known, direction=Direction.BIDIRECTIONAL, page_started_at=self.started, now=now
        )  # fmt: skip
        if found.status is not None and found.verdict is not Verdict.RECORD:
            self.known = replace(
                self.known, status=found.status, since=change.occurred_at or self.known.since
            )
            self.resolved_at = now if found.status is S.RESOLVED else self.resolved_at
        for act in (found.act, found.then):
            if act is None:
                continue
            actor = Actor(ActorKind.PROVIDER, change.person, "pd", person=bool(change.person))
            ruling = rule(self.incident, act, actor, now)
            self.incident = ruling.incident
            if ruling.starts_paging:
                self.incident, self.started = replace(self.incident, life=self.incident.life + 1), now

    def read(self, status: RemoteStatus, since: datetime, now: datetime) -> None:
        said = RemoteState(
            remote_id="Q1", status=status, changed_at=since, acknowledged_by="Bo", resolved_by="Bo"
        )
        for change in changes_of(self, said, now, read_at=now):
            person = change.person or ("Bo" if change.kind is not K.RESOLVED else "")
            self.hear(replace(change, person=person), now)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[RemoteChange, RemoteStatus]]:
    """What people did there, a few seconds apart, each with how it stood afterwards."""
    state, told = S.TRIGGERED, []
    for number in range(draw(st.integers(1, 7))):
        kind, state = draw(st.sampled_from(_NEXT[state]))
        told.append(
            (
                RemoteChange(
                    kind=kind, delivery_id=f"d{number}", remote_id="Q1", person="Bo", occurred_at=at(10 * number + 1)
                ),
                state,
            )
        )  # fmt: skip
    return told


@given(histories(), st.data())
def test_in_any_order_doubled_late_or_lost_it_ends_in_the_last_truth(
    history: list[tuple[RemoteChange, RemoteStatus]], data: st.DataObject
) -> None:
    """Some webhooks never come, others come twice, in any order, a day late; readings in between show any state
    there was. One reading more, or two where somebody acted in between, and both sides agree."""
    hub = Hub()
    steps = data.draw(st.lists(st.sampled_from(history), max_size=12))
    last, truth = history[-1][0], history[-1][1]
    assert last.occurred_at is not None
    for number, (change, state) in enumerate(steps):
        now = at(ARRIVES + number)
        if data.draw(st.booleans()):
            hub.hear(change, now)
        else:
            assert change.occurred_at is not None
            hub.read(state, change.occurred_at, now)
    for number in (1, 2):
        hub.read(truth, last.occurred_at, at(ARRIVES + 100 * number))

    assert hub.known.status is truth
    assert agree(hub.incident.status, truth), f"{hub.incident.status} here, {truth} there"


@given(histories(), st.randoms())
def test_all_of_it_in_any_order_needs_no_reading(
    history: list[tuple[RemoteChange, RemoteStatus]], chance: object
) -> None:
    """Every webhook comes once, in any order: the last truth, without anybody asking."""
    hub, shuffled = Hub(), list(history)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for number, (change, _) in enumerate(shuffled):
        hub.hear(change, at(ARRIVES + number))

    assert agree(hub.incident.status, history[-1][1])


@given(histories(), st.integers(0, 6))
def test_s37_what_a_life_that_is_over_tells_changes_nothing(
    history: list[tuple[RemoteChange, RemoteStatus]], number: int
) -> None:
    """S37: A late act cannot touch the new life."""
    hub = Hub(known=Known(S.TRIGGERED, T0, current_life=False))
    before = hub.incident
    hub.hear(history[number % len(history)][0], at(ARRIVES))

    assert hub.incident is before
