"""How far has this node seen the audit log? Kept beside the database, so that a log cut short there is noticed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tocsin.core.audit import Anchor, canonical, instant
from tocsin.core.errors import Conflict

NEWEST, HOURLY = "audit-head.json", "audit-anchors.jsonl"
"""Files of the data folder: the end as it was last seen, and one such line for each hour in which it moved."""

_EACH = timedelta(hours=1)


@dataclass(slots=True)
class Seen:
    """The end as this process has last seen it, and when a line about it was last put down for good."""

    seq: int = 0
    hash: bytes = b""
    anchored_at: datetime | None = None

    def moved(self, seq: int, hash: bytes) -> bool:
        return seq > 0 and (seq, hash) != (self.seq, self.hash)

    def keep(self, folder: Path, seq: int, hash: bytes, now: datetime) -> bool:
        """Write it down; True when for good. Raises OSError."""
        line = canonical({"seq": seq, "hash": hash.hex(), "at": instant(now)}) + b"\n"
        part = folder / f".{NEWEST}.part"
        part.write_bytes(line)
        part.replace(folder / NEWEST)
        self.seq, self.hash = seq, hash
        if self.anchored_at is not None and abs(now - self.anchored_at) < _EACH:
            return False
        with (folder / HOURLY).open("ab") as file:
            file.write(line)
        self.anchored_at = now
        return True


def anchors(folder: Path | None) -> list[Anchor]:
    """What this node has seen, the oldest first; empty without a data folder. Raises Conflict for a file that
    cannot be read."""
    found: list[Anchor] = []
    for path in (folder / HOURLY, folder / NEWEST) if folder is not None else ():
        try:
            for text in path.read_bytes().splitlines():
                line = json.loads(text)
                found.append(Anchor(int(line["seq"]), bytes.fromhex(line["hash"]), str(line["at"])))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise Conflict(
                f"{path} cannot be read: {type(fault).__name__}",
                hint="it says how far this node has seen the audit log; move it aside, and it begins anew",
            ) from None
    return found
