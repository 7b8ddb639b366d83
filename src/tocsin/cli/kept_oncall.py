"""Who was on call when the server could last be asked? A copy on disk, for the night in which it cannot.

One file under $XDG_CACHE_HOME/tocsin (default ~/.cache/tocsin), readable by its owner alone, with the last answer of each server.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Copy:
    """What a server told, and when it was asked."""

    at: datetime
    items: list[Json]


class KeptOnCall:
    """The copies of one user on this machine. A cache: whatever cannot be read or written is no fault."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        home = Path(environ.get("HOME") or Path.home())
        self._file = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "tocsin" / "oncall.json"

    def keep(self, url: str, items: list[Json], at: datetime) -> None:
        """Keep this answer; what was told of other services before stays."""
        known = self._all()
        before = known.get(url, {}).get("items", [])
        told = {one.get("service") for one in items}
        kept = [one for one in before if isinstance(one, dict) and one.get("service") not in told]
        known[url] = {"at": at.isoformat(), "items": [*kept, *items]}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent)
            with os.fdopen(handle, "w") as file:
                json.dump(known, file)
            os.replace(name, self._file)

    def of(self, url: str, *, service: str = "", team: str = "") -> Copy | None:
        """What that server told last of these; None when it told nothing."""
        found = self._all().get(url, {})
        items = [
            one
            for one in found.get("items", [])
            if isinstance(one, dict)
            and (not service or one.get("service") == service)
            and (not team or one.get("team") == team)
        ]
        try:
            return Copy(datetime.fromisoformat(found["at"]), items) if items else None
        except (KeyError, ValueError, TypeError):
            return None

    def _all(self) -> dict[str, Json]:
        try:
            found = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {url: one for url, one in found.items() if isinstance(one, dict)}


def later(items: list[Json], now: datetime) -> list[Json]:
    """The same as it stands at `now`: whose turn is over gives way to who was told to be next."""
    found = []
    for one in items:
        current = [turn for turn in one.get("current") or [] if not _over(turn, now)]
        following = one.get("next") or []
        if not current and following and _begun(following[0], now):
            current = [turn for turn in following if not _over(turn, now)]
            one = {**one, "next": []}
        warnings = list(one.get("warnings") or [])
        if not current:
            warnings.append("whose turn it is now is not in the copy")
        found.append({**one, "current": current, "warnings": warnings})
    return found


def _over(turn: Json, now: datetime) -> bool:
    return bool(turn.get("until")) and datetime.fromisoformat(turn["until"]) <= now


def _begun(turn: Json, now: datetime) -> bool:
    return bool(turn.get("since")) and datetime.fromisoformat(turn["since"]) <= now
