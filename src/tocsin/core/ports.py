"""What a source and a provider look like to the hub: values that go in and come out, no I/O.

A source reads a request into events. A provider says which request to send for an effect and what the
answer meant; the one sender of the hub (`engine/deliver.py`) does the sending. See docs/adr/0003.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from tocsin.core.model import Event, Json, Link
from tocsin.core.severity import Severity
from tocsin.core.told import ChangeKind, Proof, RemoteChange, RemoteRef, RemoteState, RemoteStatus

__all__ = [
    "Accepted", "Call", "ChangeKind", "ConnectorSettings", "Effect", "EffectKind", "FaultKind", "Mail", "Malformed",
    "Outcome", "Pending", "Proof", "Provider", "Rejected", "RemoteChange", "RemoteRef", "RemoteState", "RemoteStatus",
    "Request", "Response", "Retry", "Skipped", "Source", "SourceContext", "WireFault",
]  # fmt: skip

# ---- both ways -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request as a value. Header names are kept as given going out and lower-case coming in; `query` is the raw
    text after "?". `path` is what follows the host, coming in; `url` is whole, going out."""

    method: str
    url: str = ""
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    remote_address: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are lower-case. `status` 0 never occurs: faults are `WireFault`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Malformed(Exception):
    """A source cannot read this request; the message says what is wrong, `field` where (dotted)."""

    def __init__(self, message: str, field_path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field_path = field_path


# ---- sources ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a source may know of its integration besides the request: the options, validated."""

    integration: str
    options: Mapping[str, Json] = field(default_factory=dict)


class Source(Protocol):
    """The module `tocsin.sources.<name>.adapter` has these functions."""

    def parse(self, request: Request, context: SourceContext) -> list[Event]:
        """The events in one request, in order. An empty list = understood, nothing in it. Raises
        Malformed and no other exception, whatever the bytes."""

    def verify(self, request: Request, secret: str) -> bool:
        """True when the request proves knowledge of `secret` in the source's own way; a source
        without a signature of its own returns True (the key in the address is then the proof)."""


# ---- effects: what is asked of a provider ------------------------------------------------------------


class EffectKind(StrEnum):
    """What a provider is asked to do. CREATE is the page itself."""

    CREATE = "create"
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"  # of what is acknowledged already; only where the manifest has the ability `snooze`
    RESOLVE = "resolve"
    NOTE = "note"
    UPDATE = "update"  # text, severity or details changed
    REOPEN = "reopen"  # in place; a provider that cannot answers Rejected and a new life is created
    MERGE = "merge"  # with the one whose id there is `into`; only where the manifest has the ability `merge`
    ESCALATE = "escalate"  # ask further people now; only where the manifest has the ability `escalate`
    ASSIGN = "assign"  # to `assignee`; only where the manifest has the ability `assign`
    MESSAGE = "message"  # told to people, of no one incident; only where the manifest has that ability


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing to be done at one connector for one service's part of one incident.

    `key` is the provider key `tocsin:<installation>:<incident uuid>:<service>:<life>` (S37), never the
    idempotency key of the effect. `remote_id` is the provider's own id when known. `person` and `note`
    carry who acted and what they wrote. `look_first`: an earlier attempt may have been applied (S29):
    look up before writing. `reread`: it waited longer than 5 s: read the state before writing (S39).
    `links` and `details` are the same core facts for every provider (PR-2); `fields` are the custom ones among the
    details, which may change after the page. `recipients` are e-mail addresses that stand in for the connector's own (a
    person asked by mail); empty = the connector's. `repeat` names a further asking of the same page, "" = the first.
    `person_email` is the address of `person` where they are a user here: where the manifest has `acknowledges_as`, an
    acknowledgement is written in their name. An ASSIGN gives it to `assignee` (their name, and `assignee_email`); so does a
    REOPEN that has one: it was given on. `words` is what an ASSIGN is told as where that person is not known there.
    An ESCALATE asks `whom`: "next" (or "step": whoever is next there too), "user" (`assignee`) or "policy" (`policy`);
    `words` tell it where there is no such way.
    A SNOOZE lasts until `snooze_until`, which is `snooze_for` from the sending. A MESSAGE has its subject as `title`,
    its text as `description` and its own name as `key`. A CREATE with `bundled` tells these pages as one (S22).
    `acts` are ack links, for its recipients' eyes alone; their texts name the incidents (S52).
    """

    kind: EffectKind
    key: str
    incident: str
    title: str
    description: str
    severity: Severity
    service: str = ""
    team: str = ""
    policy: str = ""
    correlation_id: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    remote_id: str = ""
    person: str = ""
    person_email: str = ""
    assignee: str = ""
    assignee_email: str = ""
    words: str = ""
    whom: str = ""
    into: str = ""
    note: str = ""
    incident_url: str = ""
    recipients: tuple[str, ...] = ()
    opened_at: datetime | None = None
    incident_name: str = ""
    repeat: str = ""
    snooze_until: datetime | None = None
    snooze_for: timedelta = timedelta(0)
    look_first: bool = False
    reread: bool = False
    bundled: tuple[Effect, ...] = ()
    acts: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """A connector as its provider sees it: `settings` with credentials filled in. `now` is the instant
    of sending, for headers or bodies that need one."""

    name: str
    settings: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message for the mail wire. `in_reply_to` is the Message-ID of the thread's first message, for both
    In-Reply-To and References; "" = this message is the first. `html` says what `text` says; "" = no such part."""

    smtp_url: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    message_id: str = ""
    in_reply_to: str = ""
    username: str = ""
    password: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an effect: what to send, and `step`, the provider's own word for where it stands ("create", "lookup",
    "poll" …), given back with the answer. `reads` = it changes nothing there. `after` = wait so long before it."""

    send: Request | Mail
    step: str
    reads: bool = False
    after: timedelta = timedelta(0)


class FaultKind(StrEnum):
    """Why no answer came. CONNECT = nothing was sent; AMBIGUOUS = it may have been applied."""

    CONNECT = "connect"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class WireFault:
    """No answer. `message` is for people and holds no secret."""

    kind: FaultKind
    message: str


# ---- outcomes: what the answer meant ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Done there. `created` = rung two of S27 (read back, request status success, or the answer carries
    the provider's id). `adopted` = it was already there. `status` = what is known of the state there now."""

    remote_id: str = ""
    remote_url: str = ""
    created: bool = False
    adopted: bool = False
    status: RemoteStatus = RemoteStatus.UNKNOWN
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """Taken at the door, not yet known (Opsgenie's 202), or the next call of a chain. `accepted` = rung
    one is reached. `remote_id` when it became known meanwhile."""

    next: Call
    accepted: bool = False
    remote_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again. `not_before` counts from the answer (Retry-After, rate limit headers). `counts` =
    the breaker counts it (S33: not 429). `ambiguous` = it may have been applied."""

    reason: str
    not_before: timedelta | None = None
    counts: bool = True
    ambiguous: bool = False
    throttled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Final: fail over at once (S28). `counts` = the breaker counts it (401, 403). `alarm` = raise an alarm of the hub's
    own. `gone` = the provider does not know the incident (S41: never a resolve). `unreachable` = created, but nobody
    can be reached there (S28); `remote_id` then says what was created, to be resolved there in time."""

    reason: str
    status: int = 0
    counts: bool = False
    alarm: bool = True
    gone: bool = False
    unreachable: bool = False
    remote_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Not written, on purpose: the state there made it needless or harmful (S39). `status` = that state."""

    reason: str
    status: RemoteStatus


Outcome = Accepted | Pending | Retry | Rejected | Skipped


class Provider(Protocol):
    """The module `tocsin.providers.<name>.provider` has these functions; `abilities` in the manifest
    tells which optional ones (`verify_webhook`, `read_webhook`, `read_states`, `states_of`, `probe`, `healthy`, both
    `inspect` and `warnings_of` by the one word inspect, `mappings` and `missing` by mappings, `list_open` and `further` by list_open) exist."""

    def check_settings(self, settings: Mapping[str, Json]) -> list[tuple[str, str]]:
        """(dotted field, what is wrong) for each fault in a connector's settings; [] = usable."""

    def first_call(self, effect: Effect, connector: ConnectorSettings) -> Call | Skipped | Rejected:
        """What to send first for an effect."""

    def outcome_of(
        self, effect: Effect, connector: ConnectorSettings, step: str, answer: Response | WireFault
    ) -> Outcome:
        """What the answer to the call with that `step` meant."""

    def verify_webhook(self, request: Request, connector: ConnectorSettings) -> Proof:
        """What the request proves; constant-time comparisons."""

    def read_webhook(self, request: Request) -> list[RemoteChange]:
        """The changes in it; unknown types as OTHER; raises Malformed."""

    def read_states(self, refs: list[RemoteRef], connector: ConnectorSettings) -> list[Call]:
        """Calls that read these incidents back, as few as the provider allows."""

    def states_of(self, call: Call, answer: Response) -> list[RemoteState]:
        """What such an answer says; incidents it does not mention are simply not in the list (S41)."""

    def list_open(self, connector: ConnectorSettings) -> list[Call]:
        """Calls that list what is open there, for `states_of`; what is over here and is on it was reopened there."""

    def further(self, call: Call, answer: Response) -> list[Call]:
        """The calls that read on where the answer to one of `list_open` says that there is more; [] = that was all."""

    def probe(self, connector: ConnectorSettings) -> Call:
        """A cheap read that proves address and credentials."""

    def healthy(self, answer: Response | WireFault) -> str:
        """ "" when the probe's answer is good, else the fault in words with the next step."""

    def inspect(self, connector: ConnectorSettings) -> list[Call]:
        """Reads that show how it is set up there."""

    def warnings_of(self, call: Call, answer: Response) -> list[str]:
        """What in such an answer would surprise somebody, in words with the next step."""

    def mappings(self, connector: ConnectorSettings) -> list[Call]:
        """Reads of what its settings name there; `step` = the fields that name it ("custom.service_id"), by "|"."""

    def missing(self, call: Call, answer: Response) -> str:
        """What is not there any more by such an answer, in words; "" = it is, or nobody can tell."""
