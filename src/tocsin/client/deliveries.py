"""The shape of what was tried at a provider."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.client.shapes import Shape


class Delivery(Shape):
    """One attempt at telling one provider one thing. `bundle` is the same for all that left in one page; None = alone."""

    id: Any = None
    at: datetime | None = None
    connector: str = ""
    service: str = ""
    kind: str = ""
    attempt: int = 0
    outcome: str = ""
    reason: str = ""
    status: int | None = None
    took_ms: float | None = None
    step: str = ""
    calls: int = 0
    bundle: str | None = None
