"""What does a reading of a provider's state say that was not known, as a webhook would have told it?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.core.ports import ChangeKind, RemoteChange, RemoteRef, RemoteState, RemoteStatus
from tocsin.core.remote import LATE_SKEW, Expected

ON_ITS_WAY = timedelta(seconds=30)
"""A write of ours that is younger than this when the reading began may not be in it."""

_KINDS = {
    RemoteStatus.ACKNOWLEDGED: ChangeKind.ACKNOWLEDGED,
    RemoteStatus.RESOLVED: ChangeKind.RESOLVED,
    RemoteStatus.TRIGGERED: ChangeKind.UNACKNOWLEDGED,
}


class Side(Protocol):
    """What is known of an incident at the provider that was read."""

    @property
    def id(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def remote_id(self) -> str: ...
    @property
    def status(self) -> RemoteStatus: ...
    @property
    def notified_at(self) -> datetime | None: ...
    @property
    def asked_at(self) -> datetime: ...
    @property
    def failed_at(self) -> datetime | None: ...
    @property
    def exhausted_at(self) -> datetime | None: ...
    @property
    def resolved_at(self) -> datetime | None: ...
    @property
    def there_at(self) -> datetime | None: ...
    @property
    def expected(self) -> Sequence[Expected]: ...


def is_about(ref: RemoteRef, state: RemoteState) -> bool:
    """By the provider's own id where both know it; another id with our key is another one there (S43)."""
    if ref.remote_id and state.remote_id:
        return ref.remote_id == state.remote_id
    return bool(state.key) and state.key == ref.key


def changes_of(known: Side, state: RemoteState, now: datetime, *, read_at: datetime) -> list[RemoteChange]:
    """The changes, in order; none for what is known, and none against a write of ours that the reading may
    have crossed. Absence is for the caller: a state that is not there says nothing (S41)."""
    mark = f"read:{known.id}:{now.isoformat()}"
    remote_id = state.remote_id or known.remote_id
    if state.merged_into:
        return [
            RemoteChange(
                kind=ChangeKind.MERGED, delivery_id=f"{mark}:merged", remote_id=remote_id, key=known.key,
                merged_into=state.merged_into, raw_type="merged (read)",
            )
        ]  # fmt: skip
    found: list[RemoteChange] = []
    found += _rungs(known, state, mark, remote_id)
    kind = _kind(known, state, read_at)
    # somebody has it there again: the acknowledgement after the reopen must not wait for the next reading
    kinds = [kind] if kind else []
    if kind is ChangeKind.REOPENED and state.status is RemoteStatus.ACKNOWLEDGED:
        kinds.append(ChangeKind.ACKNOWLEDGED)
    for kind in kinds:
        named = {ChangeKind.ACKNOWLEDGED: state.acknowledged_by, ChangeKind.RESOLVED: state.resolved_by}
        found.append(
            RemoteChange(
                kind=kind, delivery_id=f"{mark}:{kind.value}", remote_id=remote_id, key=known.key,
                person=named.get(kind, ""), occurred_at=_when(known, state), status=state.status,
                raw_type=f"{kind.value} (read)",
            )
        )  # fmt: skip
    return found


def _rungs(known: Side, state: RemoteState, mark: str, remote_id: str) -> list[RemoteChange]:
    """Somebody was rung (for this page, not for an earlier one in its place), nobody is left to ask, nobody can be
    reached: what was not known of it."""
    waits = known.status in (RemoteStatus.UNKNOWN, RemoteStatus.TRIGGERED)
    of_now = state.changed_at is None or state.changed_at >= known.asked_at - LATE_SKEW
    there = {
        ChangeKind.NOTIFIED: state.notified and known.notified_at is None and of_now,
        ChangeKind.EXHAUSTED: state.exhausted and known.exhausted_at is None and waits,
        ChangeKind.UNREACHABLE: state.unreachable and not (known.failed_at or known.notified_at) and waits,
    }
    return [
        RemoteChange(
            kind=kind, delivery_id=f"{mark}:{kind.value}", remote_id=remote_id, key=known.key,
            person=state.notified_who if kind is ChangeKind.NOTIFIED else "", note=state.unreachable,
            occurred_at=state.changed_at, raw_type=f"{kind.value} (read)",
        )
        for kind, found in there.items()
        if found
    ]  # fmt: skip


def _kind(known: Side, state: RemoteState, read_at: datetime) -> ChangeKind | None:
    kind = _KINDS.get(state.status)
    if kind is None or (state.status is known.status and not _met_only(known)):
        return None
    if state.status is RemoteStatus.TRIGGERED and known.status is RemoteStatus.UNKNOWN:
        return None  # the first sight of what we asked for
    when = _when(known, state)
    if when is not None and known.there_at is not None and when < known.there_at:
        return None  # read before the newest that is known from there
    crossed = any(read_at - write.at < ON_ITS_WAY for write in known.expected)
    if crossed and (
        state.status is RemoteStatus.TRIGGERED
        or (known.status is RemoteStatus.RESOLVED and not _met_only(known))
    ):
        return None
    if kind is not ChangeKind.RESOLVED and known.status is RemoteStatus.RESOLVED:
        # a list may be behind what it lists: what was resolved only now cannot be seen reopened yet
        fresh = known.resolved_at is not None and read_at - known.resolved_at < ON_ITS_WAY
        return None if fresh else ChangeKind.REOPENED
    return kind


def _met_only(known: Side) -> bool:
    """A write of ours met it resolved there, which does not tell by whom: whoever reads it has to judge that."""
    return known.status is RemoteStatus.RESOLVED and known.resolved_at is None


def _when(known: Side, state: RemoteState) -> datetime | None:
    """PagerDuty's REST counts whole seconds, its webhooks milliseconds: within one second a reading is not
    older than what a webhook told."""
    if state.changed_at is None or known.there_at is None:
        return state.changed_at
    same_second = state.changed_at >= known.there_at.replace(microsecond=0)
    return max(state.changed_at, known.there_at) if same_second else state.changed_at
