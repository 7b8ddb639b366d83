"""Which trouble was ordered, and does it strike this call?"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

OPERATIONS = ("create", "acknowledge", "resolve", "note", "read", "other", "any")
REQUEST_KINDS = (
    "500",
    "502",
    "503",
    "429",
    "429_bare",
    "hang",
    "reset",
    "timeout_after_write",
    "created_not_notified",
    "invalid_json",
    "latency",
    "processing_failed",
)
WEBHOOK_KINDS = (
    "webhook_double",
    "webhook_late",
    "webhook_drop",
    "webhook_out_of_order",
    "webhook_bad_signature",
)
KINDS = (*REQUEST_KINDS, "refused", *WEBHOOK_KINDS)
VENDORS = ("pagerduty", "pagerduty_rest", "pagerduty_events", "opsgenie", "jsm", "smtp", "any")


@dataclass
class Fault:
    """One ordered trouble. `times` None = until deleted; `seconds` its length where it has one (real seconds)."""

    id: str
    vendor: str
    kind: str
    operation: str = "any"
    times: int | None = None
    seconds: float | None = None
    delay_ms: float | None = None
    retry_after: float | None = None
    struck: int = 0
    lifted: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def shown(self) -> dict[str, Any]:
        names = ("id", "vendor", "kind", "operation", "times", "seconds", "delay_ms", "retry_after", "struck")
        return {name: getattr(self, name) for name in names}

    def covers(self, vendor: str, api: str) -> bool:
        return self.vendor in ("any", vendor, f"{vendor}_{api}")

    def meets(self, operation: str, path: str) -> bool:
        if self.operation in OPERATIONS:
            return self.operation in ("any", operation)
        return re.search(self.operation, path) is not None


class FaultOrderError(ValueError):
    """A fault was ordered that cannot be; the text says which field and what it may be."""


class Faults:
    """The ordered faults, in the order they were ordered."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._count = 0

    def order(self, body: dict[str, Any]) -> Fault:
        """Check and keep a fault from the control API's JSON. Raises FaultOrderError."""
        known = {"vendor", "operation", "kind", "times", "seconds", "delay_ms", "retry_after"}
        if unknown := sorted(set(body) - known):
            raise FaultOrderError(f"unknown field {unknown[0]!r}; known: {', '.join(sorted(known))}")
        if body.get("kind") not in KINDS:
            raise FaultOrderError(f"kind {body.get('kind')!r} is unknown; one of {', '.join(KINDS)}")
        if body.get("vendor") not in VENDORS:
            raise FaultOrderError(f"vendor {body.get('vendor')!r} is unknown; one of {', '.join(VENDORS)}")
        for name in ("times", "seconds", "delay_ms", "retry_after"):
            value = body.get(name)
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int | float) or value < 0
            ):
                raise FaultOrderError(f"{name} must be a number of at least 0")
        operation = body.get("operation") or "any"
        try:
            re.compile(operation)
        except (re.error, TypeError) as error:
            raise FaultOrderError(
                f"operation {operation!r} is no operation and no pattern: {error}"
            ) from error
        self._count += 1
        fault = Fault(id=f"F{self._count}", **{**body, "operation": operation})
        self._faults[fault.id] = fault
        return fault

    def strike(
        self, vendor: str, api: str, operation: str, path: str, kinds: tuple[str, ...]
    ) -> Fault | None:
        """The first fault of `kinds` that meets this call, counted as used; None when the call goes well."""
        for fault in self._faults.values():
            spent = fault.times is not None and fault.struck >= fault.times
            if (
                fault.kind in kinds
                and not spent
                and fault.covers(vendor, api)
                and fault.meets(operation, path)
            ):
                fault.struck += 1
                return fault
        return None

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def lift(self, fault_id: str | None) -> list[Fault]:
        """Remove one fault (or all); calls that hang or are late in it are let go. Returns those removed."""
        chosen = [f for f in self._faults.values() if fault_id in (None, f.id)]
        for fault in chosen:
            fault.lifted.set()
            del self._faults[fault.id]
        return chosen
