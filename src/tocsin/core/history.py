"""What does a provider's own log say of the incidents of a time (IM-5)?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tocsin.core.oncall import Told, Unknown
from tocsin.core.ports import Call, ConnectorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a log says of one incident there, by the provider's clock. `at` = when it was said; `who` acknowledged."""

    remote_id: str
    at: datetime
    acknowledged_at: datetime | None = None
    who: str = ""
    resolved_at: datetime | None = None


class TellsHistory(Protocol):
    """What a provider with the ability `history` has besides; pure."""

    def history(
        self, start: datetime, end: datetime, told: Told, connector: ConnectorSettings
    ) -> list[Call] | list[Entry] | Unknown:
        """With every answer so far: the next call (a list of one), or what they say together. Of what was opened
        within [start, end); entries may be of more."""
