"""The shapes of both sides in step: differences to providers, and what a reading by hand found."""

from __future__ import annotations

from datetime import datetime

from tocsin.client.shapes import Shape


class SyncFinding(Shape):
    """One incident's part that was read."""

    incident: str = ""
    service: str = ""
    remote_id: str = ""
    ours: str = ""
    theirs: str = ""
    decided: tuple[str, ...] = ()


class SyncReport(Shape):
    """What reading a connector brought; `held_back` "" = all of it was read."""

    connector: str = ""
    read: int = 0
    calls: int = 0
    held_back: str = ""
    findings: tuple[SyncFinding, ...] = ()


class Checked(Shape):
    """How a connector is set up, as its provider shows it; `fault` "" = it can be used."""

    connector: str = ""
    looked: bool = False
    fault: str = ""
    gone: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Divergence(Shape):
    """One difference to a provider; `ended_at` None = it stands."""

    id: int = 0
    connector: str = ""
    incident: str = ""
    service: str = ""
    kind: str = ""
    what: str = ""
    ours: str = ""
    theirs: str = ""
    since: datetime | None = None
    seen_at: datetime | None = None
    times: int = 1
    decision: str = ""
    reason: str = ""
    ended_at: datetime | None = None
    ended_why: str = ""
