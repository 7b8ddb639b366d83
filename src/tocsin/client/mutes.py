"""What do silences and maintenance windows look like in the API's answers?"""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.client.shapes import Alert, Shape


class Mute(Shape):
    """A silence or a maintenance window. `state`: active (until `until`), pending (from `next_at`) or over;
    `excepted` are severities that are paged all the same; `id` is empty for one of the configuration."""

    id: str = ""
    kind: str = ""
    origin: str = ""
    name: str = ""
    when: str = ""
    match: dict[str, str] = msgspec.field(default_factory=dict)
    everything: bool = False
    excepted: list[str] = msgspec.field(name="except", default_factory=list)
    every: list[str] = msgspec.field(default_factory=list)
    timezone: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    owner: str = ""
    comment: str = ""
    made_by: str = ""
    made_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: str = ""
    state: str = ""
    until: datetime | None = None
    next_at: datetime | None = None
    fault: str = ""
    warnings: list[str] = msgspec.field(default_factory=list)


class MutePreview(Shape):
    """The live alerts that a mute would cover now, out of those `asked`."""

    alerts: list[Alert] = msgspec.field(default_factory=list)
    total: int = 0
    asked: int = 0
