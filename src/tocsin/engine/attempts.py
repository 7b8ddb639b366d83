"""Who tried what they may not? Counted, so that a script that tries all night is a few lines of the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.core.audit import Entry
from tocsin.core.values import replace

TOGETHER = timedelta(minutes=1)
_MOST = 1000


@dataclass(slots=True)
class _Counted:
    entry: Entry
    told_at: datetime | None = None
    more: int = 0


@dataclass(slots=True)
class Attempts:
    """Refused attempts of one node, by who and what. `note` never waits; `due` gives what is to be written down."""

    _found: dict[tuple[str, ...], _Counted] = field(default_factory=dict)

    def note(self, entry: Entry) -> None:
        """One attempt; the first of its kind is told at once, those of the minute after it as a count."""
        name = (entry.actor, entry.via, entry.action, entry.object, entry.address)
        known = self._found.get(name)
        if known is not None:
            known.more += 1
            known.entry = replace(entry, at=known.entry.at)
        elif len(self._found) < _MOST:
            self._found[name] = _Counted(entry)

    def due(self, now: datetime) -> list[Entry]:
        """What is to be written now; what was written a minute ago and did not happen again is forgotten."""
        made = []
        for name, counted in list(self._found.items()):
            if counted.told_at is None:
                made.append(counted.entry)
                counted.told_at = now
            elif abs(now - counted.told_at) < TOGETHER:
                continue
            elif counted.more:
                text = f"{counted.entry.text} (and {counted.more} more times)"
                made.append(replace(counted.entry, at=now, text=text))
                counted.told_at, counted.more = now, 0
            else:
                del self._found[name]
        return made
