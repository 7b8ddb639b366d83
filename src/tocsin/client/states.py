"""The shapes of how the hub itself is: health, alarms, nodes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.client.shapes import Connector, Shape


class Alarm(Shape):
    """What does not work in the hub itself; `cleared_at` None = it goes on. `direct_to` = who was told without
    the outbox, "" = that was not needed."""

    key: str = ""
    title: str = ""
    text: str = ""
    severity: str = ""
    connector: str = ""
    times: int = 1
    raised_at: datetime | None = None
    seen_at: datetime | None = None
    cleared_at: datetime | None = None
    direct_to: str = ""
    incident: str = ""


class Node(Shape):
    """A process on the hub's database."""

    name: str = ""
    role: str = ""
    version: str = ""
    started_at: datetime | None = None
    seen_at: datetime | None = None
    up: bool = False
    on_duty: bool = False


class Sung(Shape):
    """How far a canary came at one connector."""

    connector: str = ""
    created: bool = False
    asked_at: datetime | None = None
    created_at: datetime | None = None
    notified_at: datetime | None = None
    fault: str = ""


class Canary(Shape):
    """A page that only tries the way; `ended_at` None = it is under way, with no results yet."""

    id: str = ""
    started_at: datetime | None = None
    asked_by: str = ""
    connectors: tuple[str, ...] = ()
    ended_at: datetime | None = None
    results: tuple[Sung, ...] = ()


class Health(Shape):
    """How the whole system is: healthy, degraded or unhealthy."""

    system_status: str = ""
    integrations: dict[str, Any] = {}  # noqa: RUF012 - a struct copies it
    active_incidents: int = 0
    database: dict[str, Any] = {}  # noqa: RUF012 - a struct copies it
    worker: dict[str, Any] = {}  # noqa: RUF012 - a struct copies it
    hold: dict[str, Any] | None = None
    alarms: tuple[Alarm, ...] = ()
    nodes: tuple[Node, ...] = ()
    canary: Canary | None = None
    connectors: tuple[Connector, ...] = ()
    reasons: tuple[str, ...] = ()
    version: str = ""
