"""What is promised about an incident: by when somebody has it, and by when it is over (IM-4)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin.core.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaTarget:
    """Of one severity. None = nothing is promised. `business` = only the team's business hours count."""

    ack: timedelta | None = None
    resolve: timedelta | None = None
    business: bool = False


Targets = Mapping[Severity, SlaTarget]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaSettings:
    """`warn_at` = the share of the time after which the holder is warned, 0 to 1; 1 = never."""

    targets: Targets = field(default_factory=dict)
    warn_at: float = 0.8
