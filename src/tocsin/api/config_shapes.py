"""The contract of the configuration: what /api/v1/config answers, field by field."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tocsin.api.shapes import Fault


class RefusedFile(BaseModel):
    """The file this node was started with and did not take."""

    file: str
    message: str
    faults: list[Fault]


class Config(BaseModel):
    """The configuration in force; credentials appear as names only."""

    version: int
    hash: str
    author: str
    applied_at: datetime | None
    document: dict[str, Any]
    refused_file: RefusedFile | None = None


class ConfigVersion(BaseModel):
    """One applied configuration, without its text."""

    version: int
    hash: str
    author: str
    applied_at: datetime
    origin: str = Field(description="How it came: file, api, session, or a rollback and to which version.")
    in_force: bool
    incidents: int = Field(description="Incidents that were opened under it.")


class ConfigText(ConfigVersion):
    """One applied configuration with its text; credentials appear as names only."""

    text: str = Field(description="As YAML.")
    document: dict[str, Any]


class ConfigDifference(BaseModel):
    """What one version has else than another."""

    from_version: int
    to_version: int
    changed: bool
    diff: str = Field(description="A unified diff of the two as YAML; empty when they say the same.")


class ConfigChange(BaseModel):
    """What an apply did or would do."""

    version: int
    changed: bool
    diff: str
    warnings: list[str]
    refusals: list[Fault] = Field(
        [], description="Of a comparison: what stands against applying it, unless it is forced."
    )
