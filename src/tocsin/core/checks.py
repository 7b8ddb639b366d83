"""What can be asked of a provider before anything depends on it, and what did its answers say?

A provider is interviewed: it says what to ask next, given what it heard so far, until it asks nothing more; then it
judges what it heard. It does no I/O (docs/adr/0003), so each of its functions is a table of answers and lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

from tocsin.core.ports import Call, ConnectorSettings, Mail, Response, WireFault

Heard = Mapping[str, Response | WireFault]
"""Step of a call -> what came back."""

SKEW = timedelta(seconds=60)
"""Further than this a provider's clock and ours are told to differ."""


class State(StrEnum):
    """How one line of a check stands. UNKNOWN = it could not be asked; nothing is said for or against it."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at. `subject` is a stable word (api, service, user, policy, webhook …), `text` a
    sentence without its full stop, `step` what to do next, "" when nothing. `unreachable` = nobody answered."""

    subject: str
    state: State
    text: str
    step: str = ""
    unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What the hub knows of its own side. `address` is where the provider's webhooks are to go, "" without a public
    one; `wanted` = the connector takes webhooks; `heard_at` = when a genuine one came last; `now` the hub's clock."""

    name: str
    address: str = ""
    wanted: bool = True
    heard_at: datetime | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailProbe(Mail):
    """The conversation of a mail up to its recipients, and no mail. It is answered by a Response whose status is that
    of the first refusal, else 250, and whose body is JSON: {"login": bool, "sender": [code, text],
    "recipients": {address: [code, text]}}, as far as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that is set up there and may be paged. `kind` is the provider's word (service, escalation policy,
    team …), `value` what a mapping says for it, `setting` the table of `custom` that holds such mappings."""

    kind: str
    id: str
    name: str
    value: str
    setting: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a provider has. `fault` = why not all of it could be read, "" = it was."""

    things: tuple[Thing, ...] = ()
    fault: str = ""


class Checkable(Protocol):
    """What a provider with the ability `checks` has besides. Steps are unique within one interview."""

    def check_calls(self, connector: ConnectorSettings, here: Here, heard: Heard) -> list[Call]:
        """What to ask next, [] = nothing more; reads, or writes that cannot change anything."""

    def check_lines(self, connector: ConnectorSettings, here: Here, heard: Heard) -> list[Line]:
        """What it means, in the order to be shown; a step that is missing from `heard` was not answered in time."""


class Explorable(Protocol):
    """What a provider with the ability `discover` has besides."""

    def discover_calls(self, connector: ConnectorSettings, heard: Heard) -> list[Call]:
        """What to ask next, [] = nothing more."""

    def discovered(self, connector: ConnectorSettings, heard: Heard) -> Found:
        """What is set up there."""


def skew_line(name: str, heard: Heard, here: Here) -> list[Line]:
    """A warning when the first answer that tells the time tells another than ours; else nothing."""
    if here.now is None:
        return []
    for answer in heard.values():
        told = answer.headers.get("date", "") if isinstance(answer, Response) else ""
        try:
            there = parsedate_to_datetime(told)
        except (TypeError, ValueError):
            continue
        if there.tzinfo is None:
            continue
        off = (here.now - there).total_seconds()
        if abs(off) <= SKEW.total_seconds():
            return []
        word = "ahead of" if off > 0 else "behind"
        text = f"This hub's clock is {abs(off):.0f} s {word} {name}'s"
        return [
            Line(subject="clock", state=State.WARNING, text=text, step="run NTP or chrony on this machine")
        ]
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The lines of a check and what they come to."""

    lines: tuple[Line, ...] = field(default=())

    @property
    def good(self) -> bool:
        """True when nothing failed."""
        return all(line.state is not State.FAILED for line in self.lines)

    @property
    def unreachable(self) -> bool:
        """True when a line failed because nobody answered."""
        return any(line.unreachable and line.state is State.FAILED for line in self.lines)
