"""The contract of how the hub itself is: health, figures, alarms, nodes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from tocsin.api.shapes import Connector, SeverityWord


class Alarm(BaseModel):
    """What does not work in the hub itself."""

    key: str = Field(description="What continues: sounded again it is the same alarm.")
    title: str
    text: str
    severity: SeverityWord
    connector: str = Field(description="The one that cannot be relied on, and is not asked to tell of it.")
    times: int = Field(description="How often it was seen.")
    raised_at: datetime
    seen_at: datetime
    cleared_at: datetime | None
    direct_to: str = Field(description="Who was told without the outbox, since nobody was seen to have it.")
    incident: str | None


class Node(BaseModel):
    """A process on this database. A silent one did not say good-bye; it is forgotten after a day."""

    name: str
    role: Literal["all", "api", "worker"]
    version: str
    started_at: datetime
    seen_at: datetime
    up: bool
    on_duty: bool = Field(description="It does what only one may: watch, read back, canary, heartbeat.")


class Sung(BaseModel):
    """How far a canary came at one connector."""

    connector: str
    created: bool
    asked_at: datetime | None
    created_at: datetime | None
    notified_at: datetime | None
    fault: str


class Canary(BaseModel):
    """A page that only tries the way; `ended_at` null = it is under way, with no results yet."""

    id: UUID
    started_at: datetime
    asked_by: str
    connectors: list[str]
    ended_at: datetime | None
    results: list[Sung]


class Integrations(BaseModel):
    """One type of connector in the health answer."""

    healthy: bool
    connectors: list[str]


class HeldPage(BaseModel):
    """A page from before the hold; without a connector it is still to be looked at."""

    incident: str
    title: str
    severity: str
    connector: str
    why: str


class Hold(BaseModel):
    """The database is an older copy: what was there before `since` waits until `until`, or `im resume`."""

    since: datetime
    until: datetime
    reason: str
    would_page: list[HeldPage]


class Resumed(BaseModel):
    """The hold is over; these leave now, unless they are over elsewhere."""

    resumed: bool
    would_page: list[HeldPage]


class Health(BaseModel):
    """How the whole hub is."""

    system_status: Literal["healthy", "degraded", "unhealthy"]
    integrations: dict[str, Integrations] = Field(description="By connector type.")
    active_incidents: int
    connectors: list[Connector]
    database: dict[str, Any]
    worker: dict[str, Any]
    alarms: list[Alarm] = Field(description="Those that go on, the longest first.")
    nodes: list[Node]
    canary: Canary | None = Field(description="The newest.")
    hold: Hold | None = Field(description="Pages wait, because the database is an older copy (S48).")
    reasons: list[str]
    version: str
