"""The contract of both sides in step: differences to providers, and what a reading by hand found."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class SyncFinding(BaseModel):
    """One incident's part that was read at a connector. `decided` says what was found and done, in order."""

    incident: str
    service: str
    remote_id: str
    ours: str
    theirs: str
    decided: list[str]


class SyncReport(BaseModel):
    """What reading a connector by hand brought."""

    connector: str
    read: int
    calls: int
    held_back: str = Field(description="Why not all of it could be read; empty = it was.")
    findings: list[SyncFinding]


class Checked(BaseModel):
    """How a connector is set up, as its provider shows it."""

    connector: str
    looked: bool = Field(description="Whether its provider could be asked.")
    fault: str = Field(description="Why it cannot be used; empty = it can.")
    gone: list[str] = Field(
        description="What its settings name and the provider has not: pages that go there fail over."
    )
    warnings: list[str]


class Divergence(BaseModel):
    """One difference to a provider that is listed and not applied, with what was decided and why."""

    id: int
    connector: str
    incident: str
    service: str
    kind: Literal["outbound", "timer", "missing", "refused", "merged", "status"]
    what: str = Field(description="The change there, or the write of ours, that it is about.")
    ours: str
    theirs: str
    since: datetime
    seen_at: datetime
    times: int = Field(description="How often it was seen.")
    decision: str
    reason: str
    ended_at: datetime | None
    ended_why: str
