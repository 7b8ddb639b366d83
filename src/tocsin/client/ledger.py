"""Does an exported audit log hold, without any hub?

A file is a line that says what it is, one line an entry, and a line that closes it; each is a JSON object written in
one way: keys sorted, no spaces, UTF-8. The hash of an entry is SHA-256 over the hash before it and the entry without
its `hash` and `previous`; the last line holds SHA-256 over all lines before it. Needs the standard library alone, and
shares nothing with the code that writes the log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

KIND = "tocsin audit log"
_BEGINS = {"kind", "version", "installation", "first", "previous", "exported_at", "exported_by"}
_ENTRY = {
    "seq", "at", "action", "object", "actor", "actor_kind", "origin", "via", "address", "outcome", "text", "before",
    "after", "previous", "hash",
}  # fmt: skip
_ENDS = {"kind", "entries", "last", "hash", "digest", "forgotten"}


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """What does not hold, in which line (counted from 1)."""

    line: int
    text: str


@dataclass(slots=True)
class Ledger:
    """What a file says, and whether it holds. `entries` of them from `first` to `last`, whose hash is `hash`; `holds`
    when there are no faults."""

    installation: str = ""
    exported_at: str = ""
    exported_by: str = ""
    entries: int = 0
    first: int = 0
    last: int = 0
    hash: str = ""
    faults: list[LedgerFault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """True when every line follows from the one before, to the end."""
        return not self.faults


def read_ledger(lines: Iterable[bytes]) -> Ledger:
    """Follow an exported file. Lines with their line ends, as a file opened in binary gives them; any fault is in the
    answer and none is raised."""
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        reader.take(number, line)
    return reader.done()


class _Reader:
    def __init__(self) -> None:
        self.found = Ledger()
        self._whole = hashlib.sha256()
        self._number, self._begun, self._ended = 0, False, False
        self._gaps: list[tuple[int, int, str]] = []

    def take(self, number: int, line: bytes) -> None:
        self._number = number
        if self._ended:
            self._say("stands behind the line that closes the log")
            return
        told = _object(line)
        if told is None:
            self._say("is no JSON object in the one way of writing it: it was changed, or cut off")
        elif not self._begun:
            self._begin(told)
        elif told.get("kind") == "end":
            self._end(told)
            return
        else:
            self._entry(told)
        self._begun = True
        self._whole.update(line)

    def done(self) -> Ledger:
        if not self._begun:
            self._say("is missing: the file is empty")
        elif not self._ended:
            self._number += 1
            self._say("the line that closes the log is missing: its end was cut off")
        return self.found

    def _begin(self, told: dict[str, Any]) -> None:
        found = self.found
        if set(told) != _BEGINS or told["kind"] != KIND or told["version"] != 1 or not _whole(told["first"]):
            self._say("is not the first line of an exported audit log of version 1")
            return
        found.installation, found.first = str(told["installation"]), told["first"]
        found.exported_at, found.exported_by = str(told["exported_at"]), str(told["exported_by"])
        found.last, found.hash = found.first - 1, str(told["previous"])
        if found.first == 1 and found.hash != _genesis(found.installation):
            self._say("does not begin where an audit log of its installation begins")

    def _entry(self, told: dict[str, Any]) -> None:
        found = self.found
        if set(told) != _ENTRY or not _whole(told["seq"]):
            self._say("is not an entry: fields were added, taken away or changed")
            return
        seq, previous, claimed = told["seq"], told.pop("previous"), told.pop("hash")
        if seq > found.last + 1:
            self._gaps.append((found.last + 1, seq - 1, str(previous)))
        elif seq <= found.last:
            self._say(f"entry {seq} stands behind entry {found.last}: put in twice, or out of order")
        elif previous != found.hash:
            self._say(f"entry {seq} does not follow from the line before it")
        if _hash(str(previous), told) != claimed:
            self._say(
                f"entry {seq} is not what was written: {told['action']} {told['object']} by {told['actor']}"
            )
        found.last, found.hash = seq, str(claimed)
        found.entries += 1

    def _end(self, told: dict[str, Any]) -> None:
        found, self._ended = self.found, True
        if set(told) != _ENDS:
            self._say("is not the line that closes an audit log")
            return
        if told["entries"] != found.entries or told["last"] != found.last or told["hash"] != found.hash:
            self._say(f"closes a log of {told['entries']} entries up to {told['last']}; here are others")
        if told["digest"] != self._whole.hexdigest():
            self._say("names another digest of the lines before it: one of them was changed")
        known = [tuple(run) for run in told["forgotten"] if isinstance(run, list)]
        for first, last, previous in self._gaps:
            if (first, last, previous) not in known:
                self._say(f"entries {first} to {last} are missing")
        if len(known) != len(self._gaps) or len(known) != len(told["forgotten"]):
            self._say("names other forgotten entries than those that are not here")

    def _say(self, text: str) -> None:
        self.found.faults.append(LedgerFault(self._number, text))


def _object(line: bytes) -> dict[str, Any] | None:
    """The line's object; None when it is none, or written in another way than ours."""
    try:
        told = json.loads(line)
        if isinstance(told, dict) and _canonical(told) + b"\n" == line:
            return told
    except (ValueError, RecursionError):
        pass
    return None


def _canonical(told: dict[str, Any]) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _hash(previous: str, told: dict[str, Any]) -> str:
    try:
        return hashlib.sha256(bytes.fromhex(previous) + _canonical(told)).hexdigest()
    except ValueError:
        return ""


def _genesis(installation: str) -> str:
    return hashlib.sha256(f"tocsin audit log of {installation}".encode()).hexdigest()


def _whole(value: object) -> bool:
    return type(value) is int and value > 0
