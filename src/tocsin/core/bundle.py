"""Does a page to a person leave now, or with others that follow it closely? (S22)

Leading edge: the first page to a recipient leaves at once; what follows within ten seconds leaves as one when these are
over. For native ways alone: a provider gets one call per incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

BUNDLED_FOR = timedelta(seconds=10)
"""Nobody's page waits longer for others, counted from when it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A page that is not sent yet. `tried` = an attempt has failed, and surely nothing was sent; `perhaps_sent` = it
    may have been, in `bundle` when it was not alone."""

    effect: int
    recipient: str
    asked_at: datetime
    due: datetime
    tried: bool = False
    perhaps_sent: bool = False
    bundle: UUID | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """It waits `until` then, since a page left to its recipient at `left_at`."""

    page: Waiting
    until: datetime
    left_at: datetime

    def why(self, connector: str, now: datetime) -> str:
        """For the timeline."""
        seconds = max(int((now - self.left_at).total_seconds()), 0)
        ago = f"{seconds} s ago" if seconds else "just now"
        return (
            f"{connector}: a page left to {self.page.recipient or 'its recipients'} {ago}; this one waits until"
            f" {self.until:%H:%M:%S} UTC, to leave as one with others that follow"
        )


@dataclass(frozen=True, slots=True)
class Leaving:
    """Pages that leave now, those of one group as one; pages that wait. What is in neither is not due."""

    groups: tuple[tuple[Waiting, ...], ...] = ()
    held: tuple[Held, ...] = ()


def leaving(waiting: Iterable[Waiting], left: Mapping[str, datetime], now: datetime) -> Leaving:
    """What becomes of the pages that wait at one connector.

    `left` says when a page last left to each recipient. What may have been sent goes again as it was, so that it is the
    same page; all else leaves together as soon as one of them does, those too whose own time has not come: a person
    who is rung anyway should know it all.
    """
    groups: list[tuple[Waiting, ...]] = []
    held: list[Held] = []
    for recipient, pages in _by_recipient(waiting).items():
        groups += _again([page for page in pages if page.perhaps_sent], now)
        fresh = [page for page in pages if not page.perhaps_sent]
        due = [page for page in fresh if page.due <= now]
        left_at = left.get(recipient)
        if not due:
            continue
        if left_at is None or any(page.tried or now >= _over(page, left_at) for page in due):
            groups.append(tuple(fresh))
        else:
            held += [Held(page, _over(page, left_at), left_at) for page in due]
    return Leaving(tuple(groups), tuple(held))


def _over(page: Waiting, left_at: datetime) -> datetime:
    """When it has waited long enough. A page that left while it waited does not make it wait anew."""
    return min(left_at, page.asked_at) + BUNDLED_FOR


def _again(pages: list[Waiting], now: datetime) -> list[tuple[Waiting, ...]]:
    """A bundle whole, as soon as one of it is due: half of it under the same name would be taken for the whole."""
    bundles: dict[UUID, list[Waiting]] = {}
    for page in pages:
        if page.bundle is not None:
            bundles.setdefault(page.bundle, []).append(page)
    alone = [(page,) for page in pages if page.bundle is None and page.due <= now]
    return [*alone, *(tuple(one) for one in bundles.values() if any(page.due <= now for page in one))]


def _by_recipient(waiting: Iterable[Waiting]) -> dict[str, list[Waiting]]:
    found: dict[str, list[Waiting]] = {}
    for page in waiting:
        found.setdefault(page.recipient, []).append(page)
    return found


def named(names: Iterable[str], most: int = 5) -> str:
    """ "INC-2, INC-3 and 26 more"."""
    listed = list(names)
    left = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {left} more" if left > 0 else "")
