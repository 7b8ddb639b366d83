"""How does a hub show, before the night, that it can page?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin.core.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The call that says to somebody outside: this hub is able to page. `url` and the values of `headers` are
    `{"$secret": name}`."""

    url: Json
    every: timedelta = timedelta(seconds=60)
    method: str = "GET"
    headers: Mapping[str, Json] = field(default_factory=dict)
