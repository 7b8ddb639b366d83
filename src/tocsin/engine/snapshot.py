"""The configuration in force, beside the database: what a hub needs to take alerts, and to page, without it (S47).

It holds what the database holds: policy, credentials as they are sealed, keys and tokens as hashes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from tocsin.engine.hub import Hub, log
from tocsin.journal import write_whole
from tocsin.store.tokens import Token

FILE = "snapshot.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One configuration as the database had it. `version` 0 = none was applied yet."""

    installation: UUID
    version: int
    document: Mapping[str, Any]
    sealed: Mapping[str, bytes]
    tokens: tuple[tuple[bytes, Token], ...]


async def keep(hub: Hub, snapshot: Snapshot) -> None:
    """Write it into the data folder, when it differs from what lies there. A disk that takes none is told of,
    and the older one stays."""
    if hub.folder is None:
        return
    path, data = hub.folder / FILE, _encoder.encode(snapshot)
    if data == hub.snapshot:
        return
    try:
        await asyncio.to_thread(write_whole, path, data)
        hub.snapshot = data
    except OSError as fault:
        log.error("snapshot_not_written", path=str(path), message=str(fault))


async def found(folder: Path) -> Snapshot | None:
    """What lies in the data folder; None when there is none that can be read."""
    try:
        data = await asyncio.to_thread((folder / FILE).read_bytes)
        return _decoder.decode(data)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as fault:
        log.error("snapshot_unreadable", message=str(fault)[:300])
        return None


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Snapshot)
