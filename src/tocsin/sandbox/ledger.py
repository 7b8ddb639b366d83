"""What was asked of the simulated vendors? Every request is kept here, in order, with secrets struck out."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_SECRET_NAMES = re.compile(r"authorization|token|secret|api[-_]?key|signature|cookie", re.IGNORECASE)
_STRUCK = "[redacted]"
KEPT = 20_000  # calls; older ones fall out so that a long rehearsal cannot eat the memory


@dataclass
class Call:
    """One request to a simulated vendor. `at` is sandbox time, `elapsed_ms` real milliseconds."""

    seq: int
    vendor: str
    api: str
    at: str
    method: str
    path: str
    operation: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    status: int | None = None
    fault: str | None = None
    elapsed_ms: float | None = None


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Header values with credentials replaced; the scheme in front of a credential stays readable."""
    return {name: _struck(value) if _SECRET_NAMES.search(name) else value for name, value in headers.items()}


def _struck(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {_STRUCK}" if space else _STRUCK


def redact_body(raw: bytes) -> Any:
    """The JSON value (or text) of a body; a routing key keeps its last four characters."""
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")
    if isinstance(body, dict) and isinstance(body.get("routing_key"), str):
        body = {**body, "routing_key": f"{_STRUCK}{body['routing_key'][-4:]}"}
    return body


class Ledger:
    """The recorded calls; `seq` goes on counting after `clear`, so that a reader's `since` stays valid."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._seq = 0

    def open(self, **facts: Any) -> Call:
        self._seq += 1
        call = Call(seq=self._seq, **facts)
        self._calls.append(call)
        return call

    def select(self, vendor: str | None, since: int) -> list[dict[str, Any]]:
        """Calls with `seq` > `since`; vendor as recorded, None for all."""
        return [
            asdict(c)
            for c in self._calls
            if c.seq > since and vendor in (None, c.vendor, f"{c.vendor}_{c.api}")
        ]

    def clear(self) -> None:
        self._calls.clear()
