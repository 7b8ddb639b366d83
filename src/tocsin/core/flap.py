"""Does a key come and go, how often may it page then, and until when is its incident held open? (S15)

A life is one alert of a key, from its first event to its resolve. A key flaps once so many of its lives began within
a time, and until nothing of it began or ended for the time of quiet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.core.policy import FlapSettings
from tocsin.core.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One alert of a key. `ended` None = it still fires. `paged_at` = when the page of its incident last began,
    None = it has none; `paged_as` that incident's severity."""

    began: datetime
    ended: datetime | None = None
    paged_at: datetime | None = None
    paged_as: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """A key that flaps: how many of its lives began in the time that counts, and until when it does if nothing
    more happens to it."""

    lives: int
    quiet_at: datetime


def flapping(lives: Sequence[Life], settings: FlapSettings, now: datetime) -> Flapping | None:
    """Whether a key flaps at `now`, by its lives in the order of their beginnings; None = it does not."""
    flaps, changed = False, None
    counted: list[datetime] = []
    for life in lives:
        if flaps and changed is not None and life.began - changed >= settings.quiet:
            flaps, counted = False, []
        counted = [began for began in counted if life.began - began < settings.within] + [life.began]
        flaps = flaps or len(counted) >= settings.lives
        changed = max(filter(None, (life.began, life.ended)))
    if not flaps or changed is None or now >= changed + settings.quiet:
        return None
    return Flapping(lives=len(counted), quiet_at=changed + settings.quiet)


def next_page_at(lives: Sequence[Life], severity: Severity, settings: FlapSettings) -> datetime | None:
    """When a flapping key may page again; None = at once: nobody was paged for it yet, or for less than this."""
    paged = [life for life in lives if life.paged_at is not None]
    if not paged:
        return None
    last = max(paged, key=lambda life: life.paged_at or life.began)
    if last.paged_at is None or (last.paged_as is not None and severity.rank > last.paged_as.rank):
        return None
    return last.paged_at + settings.page_every.get(severity, settings.page_otherwise)
