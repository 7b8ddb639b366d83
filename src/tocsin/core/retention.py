"""How long is what only grows kept?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what only grows is kept, at least; it goes by whole weeks."""

    requests: timedelta = timedelta(days=30)
    timeline: timedelta = timedelta(days=400)
    deliveries: timedelta = timedelta(days=90)
    webhooks: timedelta = timedelta(days=30)
    audit: timedelta = timedelta(days=800)
    logs: timedelta = timedelta(days=14)
