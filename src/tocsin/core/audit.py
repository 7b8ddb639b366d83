"""What is an entry of the audit log, and how does each follow from the one before? (TR-4)

The hash of an entry is SHA-256 over the hash before it and its own content, written one way only (`canonical`).
`tocsin.client.ledger` reads the same chain without this code: whoever verifies shares nothing with whoever writes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from tocsin.core.model import Json

FORGET = "audit.forget"
"""The action of the entry that tells which others were forgotten by retention."""

HIDDEN = "(hidden)"
_SECRET = re.compile(
    r"(?i)(token|secret|passw|api_?key|routing_?key|integration_?key|authoriz|cookie|credential|^code$|^key$|signature)"
)
_TEXT_MOST, _LIST_MOST = 20_000, 2_000
_WHOLE = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act. `action` is "noun.verb" ("incident.acknowledge"), `object` what it was done to ("INC-7",
    "token 0190…"). `actor_kind`: person, token, provider, rule, timer or hub. `origin`: command, page, api, demo,
    webhook, reading, rule, timer or start; `via` the token, session or connector, `address` where it came from.
    `outcome` is done or refused, `text` a sentence; `before` and `after` hold what changed and no secret."""

    at: datetime
    action: str
    object: str
    actor: str
    actor_kind: str
    origin: str
    via: str = ""
    address: str = ""
    outcome: str = "done"
    text: str = ""
    before: Mapping[str, Json] | None = None
    after: Mapping[str, Json] | None = None


def clean(value: Any, *, name: str = "") -> Json:
    """A value as the log keeps it: nothing of a secret's name shows, and whatever is left means the same after it
    went through a database: no fractions, no huge numbers, no NUL."""
    if name and _SECRET.search(name) and value not in (None, "", False, True):
        return HIDDEN
    match value:
        case None | bool():
            return value
        case Enum():
            return clean(value.value)
        case int():
            return value if -_WHOLE < value < _WHOLE else str(value)
        case float() | UUID() | timedelta():
            return str(value)
        case datetime():
            return instant(value)
        case Mapping():
            return {_text(str(key)): clean(inner, name=str(key)) for key, inner in value.items()}
        case str():
            return _text(value)
        case Iterable():
            listed = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
            return [clean(inner) for inner in listed[:_LIST_MOST]]
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    whole = value.replace("\x00", "").encode("utf-8", "replace").decode()
    return whole if len(whole) <= _TEXT_MOST else f"{whole[:_TEXT_MOST]}… ({len(whole):,} characters)"


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is not the same in both, as it was and as it is."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before.get(n) for n in names}, {n: after.get(n) for n in names}


def instant(at: datetime) -> str:
    """ "2026-11-16T12:00:00.000000Z": microseconds and UTC, always."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def content(entry: Entry, seq: int) -> dict[str, Json]:
    """What is hashed of an entry: everything that it says, and its number."""
    return {
        "seq": seq, "at": instant(entry.at), "action": entry.action, "object": entry.object, "actor": entry.actor,
        "actor_kind": entry.actor_kind, "origin": entry.origin, "via": entry.via, "address": entry.address,
        "outcome": entry.outcome, "text": entry.text, "before": entry.before, "after": entry.after,
    }  # fmt: skip


def canonical(value: Mapping[str, Json]) -> bytes:
    """The one way of writing a JSON object: keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def genesis(installation: UUID) -> bytes:
    """What the first entry of an installation follows."""
    return hashlib.sha256(f"tocsin audit log of {installation}".encode()).digest()


def follows(before: bytes, entry: Entry, seq: int) -> bytes:
    """The hash of an entry behind the one whose hash is `before`."""
    return hashlib.sha256(before + canonical(content(entry, seq))).digest()


# ---- looking whether it holds ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Linked:
    """An entry in its place; `id` tells two at one place apart."""

    seq: int
    hash: bytes
    entry: Entry
    id: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Entries forgotten by retention, `first` to `last`; `hash` is that of the last."""

    first: int
    last: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """An entry's hash as it was seen outside the database, at a time."""

    seq: int
    hash: bytes
    at: str


@dataclass(frozen=True, slots=True)
class Break:
    """What does not hold, at which entry."""

    seq: int
    text: str


class Walk:
    """Follows the chain entry by entry; `faults` names what does not hold. Give it the entries in the order of
    their numbers, in as many pieces as you like, then `end`."""

    def __init__(
        self, seq: int, hash: bytes, runs: Iterable[Run] = (), anchors: Iterable[Anchor] = ()
    ) -> None:
        self.seq, self.hash, self.checked = seq, hash, 0
        self.faults: list[Break] = []
        self._runs = {run.first: run for run in runs}
        self._anchors = {anchor.seq: anchor for anchor in anchors if anchor.seq > seq}

    def take(self, found: Iterable[Linked]) -> None:
        for one in found:
            self._one(one)

    def _one(self, one: Linked) -> None:
        self._forgotten()
        if one.seq <= self.seq:
            self._say(one.seq, f"there are two entries {one.seq}: {_told(one.entry)} was put in")
            return
        if one.seq > self.seq + 1:
            self._missing(one.seq - 1)
        elif follows(self.hash, one.entry, one.seq) != one.hash:
            self._say(
                one.seq,
                f"does not follow from the one before: it, or that one, was changed ({_told(one.entry)})",
            )
        self.seq, self.hash = one.seq, one.hash
        self.checked += 1
        self._seen()

    def _forgotten(self) -> None:
        while (run := self._runs.get(self.seq + 1)) is not None:
            self.seq, self.hash = run.last, run.hash
            self._seen()

    def _missing(self, last: int) -> None:
        first = self.seq + 1
        which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        self._say(first, f"{which} missing")

    def _seen(self) -> None:
        anchor = self._anchors.get(self.seq)
        if anchor is not None and anchor.hash != self.hash:
            self._say(self.seq, f"is not what this node saw there at {anchor.at}: the log was written anew")

    def end(self, head: tuple[int, bytes]) -> None:
        """All has been taken: does it end where the log says, and where this node has seen it?"""
        self._forgotten()
        seq, mark = head
        if self.seq < seq:
            self._missing(seq)
        elif self.seq > seq:
            self._say(self.seq, f"stands behind the end of the log, which is {seq}: it was put in")
        elif self.hash != mark:
            self._say(seq, "is not the one that the end of the log names")
        for anchor in self._anchors.values():
            if anchor.seq > max(seq, self.seq):
                text = f"this node saw entry {anchor.seq} at {anchor.at}, and the log ends at {self.seq}: "
                self._say(self.seq + 1, text + "its end was cut off, or the database is an older copy")
                break

    def _say(self, seq: int, text: str) -> None:
        self.faults.append(Break(seq, text))


def _told(entry: Entry) -> str:
    return f"{entry.action} {entry.object} by {entry.actor}, {instant(entry.at)}"


def merged(runs: Iterable[Run]) -> list[Run]:
    """The same in as few runs as there can be, the oldest first."""
    made: list[Run] = []
    for run in sorted(runs, key=lambda one: one.first):
        if made and made[-1].last + 1 == run.first:
            made[-1] = Run(made[-1].first, run.last, run.hash)
        else:
            made.append(run)
    return made


def runs_out(runs: Iterable[Run]) -> list[list[Json]]:
    """Runs as an entry tells them."""
    return [[run.first, run.last, run.hash.hex()] for run in runs]


def runs_in(after: Mapping[str, Json] | None) -> list[Run]:
    """Runs as an entry told them; none when it cannot be read."""
    try:
        return [Run(int(a), int(b), bytes.fromhex(h)) for a, b, h in (after or {}).get("forgotten", [])]
    except (TypeError, ValueError):
        return []
