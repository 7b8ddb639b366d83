"""Settings of a process, from its environment, read once: where it listens, where its data lives.

What the hub does with alerts is not here: that is the domain configuration (`im apply`).
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_folder() -> Path:
    """`$XDG_DATA_HOME/tocsin`, else `~/.local/share/tocsin`."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "tocsin"


class Settings(BaseSettings):
    """One frozen object; every field is an environment variable named in its description."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    data: Path = Field(default_factory=default_data_folder, alias="TOCSIN_DATA", description="Data folder.")
    host: str = Field("127.0.0.1", alias="TOCSIN_HOST", description="Address to listen on.")
    port: int = Field(8000, alias="TOCSIN_PORT", ge=0, le=65535, description="Port to listen on.")
    config: Path | None = Field(
        None, alias="TOCSIN_CONFIG", description="Domain configuration applied at start."
    )
    admin_token: str = Field(
        "", alias="TOCSIN_ADMIN_TOKEN", description="The first administrator's API token.", repr=False
    )
    secret_key: str = Field(
        "", alias="TOCSIN_SECRET_KEY", description="Key that seals credentials at rest.", repr=False
    )
    database_url: str = Field(
        "", alias="DATABASE_URL", description="A PostgreSQL of your own (15 or later).", repr=False
    )
    public_url: str = Field(
        "", alias="TOCSIN_PUBLIC_URL", description="Where providers and people reach this hub."
    )
    trusted_proxies: str = Field(
        "", alias="TOCSIN_TRUSTED_PROXIES", description="Addresses and networks of proxies to believe."
    )
    role: str = Field(
        "all", alias="TOCSIN_ROLE", pattern="^(all|api|worker)$", description="all, api or worker."
    )
    log_format: str = Field(
        "text", alias="TOCSIN_LOG_FORMAT", pattern="^(text|json)$", description="text or json."
    )
