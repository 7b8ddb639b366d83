"""Events came in: read the request by its source, shape it by its integration, hand it to the door."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tocsin.core import template
from tocsin.core.alias import scope_of
from tocsin.core.errors import BadInput, FieldFault, NotAllowed
from tocsin.core.model import Action, Event
from tocsin.core.payload import DESCRIPTION_LIMIT, TITLE_LIMIT, one_line
from tocsin.core.policy import Integration
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import Severity
from tocsin.core.values import replace
from tocsin.engine.admission import Doorway
from tocsin.engine.envelope import Admitted, fingerprint
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id
from tocsin.store.intake import RawRequest

API = Integration(name="api", source="api", key_hash="")
"""The built-in integration of `POST /api/v1/alerts`."""

UNREADABLE = "unreadable"
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-routing-key")
_MOST_BODY_IN_LOG = 1024 * 1024
_MOST_HEADERS, _MOST_HEADER = 64, 4096
_MOST_REMEMBERED, _MOST_REMEMBERED_BYTES, _MOST_REMEMBERED_ALL = 2_000, 64 * 1024, 1024 * 1024
"""Bodies kept, bytes of one, bytes of all: read, they take some ten times as much."""


def integration_by_key(hub: Hub, key: str) -> Integration | None:
    """The integration with this key; None for an unknown or paused one, and for
    one whose source this version does not have."""
    found = hub.active.by_key_hash.get(hashlib.sha256(key.encode()).hexdigest())
    usable = found is not None and not found.paused and found.source in hub.sources
    return found if usable else None


def integration_of_unknown_keys(hub: Hub, source: str, key: str) -> Integration | None:
    """The integration of this source that takes what comes with a key nobody has (S53); None where none does, or
    where the key is somebody's: paused, or of another source."""
    if hashlib.sha256(key.encode()).hexdigest() in hub.active.by_key_hash:
        return None
    return next(
        (
            found
            for found in hub.policy.integrations.values()
            if found.source == source
            and not found.paused
            and hub.active.options_of(found).get("takes_unknown_keys")
        ),
        None,
    )


async def take(
    hub: Hub, door: Doorway, integration: Integration, request: Request, *, key: str = "", doubt: str = ""
) -> list[Admitted]:
    """Read and admit one request of an integration; one result per event, in order.

    What nobody can read is kept and becomes one low alert of that integration (S53). `doubt` = what is odd about
    the request, kept with it. Raises NotAllowed when
    the source's own proof is missing, Busy when it cannot be stored.
    """
    now = hub.now()
    kind = hub.sources[integration.source]
    # the integration was found by its key, in the address or in the body: a dialect needs no more than that
    if not kind.manifest["verify"].get("in_body"):
        secret = str(hub.active.options_of(integration).get("token", "") or "")
        if not kind.module.verify(request, secret):
            raise NotAllowed(f"The request does not carry the secret that {integration.name} asks for")
    try:
        events = read(hub, integration, request)
        fault = ""
    except Malformed as malformed:
        fault = f"{malformed.field_path}: {malformed.message}" if malformed.field_path else malformed.message
        events = [_unreadable(integration, fault, request.body)]
        log.warning("unreadable_request", integration=integration.name, fault=fault[:200])

    def raw() -> RawRequest:
        reading = "unreadable" if fault else "read"
        return raw_of(integration, request, now, key=key, reading=reading, fault=fault or doubt)

    return await door.admit(raw, scope_of(integration), events)


async def take_api(
    hub: Hub, door: Doorway, request: Request, *, batch: bool, alone: bool = False
) -> list[Admitted]:
    """`POST /api/v1/alerts` and `/batch`: a caller that can be told is told. Raises BadInput with the field.
    `alone` = not together with others, inside the transaction of the caller."""
    module: Any = hub.sources[API.source].module
    context = SourceContext(integration=API.name)
    now = hub.now()
    said = _said.find(batch, request.body)
    if said is None:
        try:
            events = module.parse_batch(request, context) if batch else module.parse(request, context)
        except Malformed as fault:
            field = fault.field_path or "body"
            raise BadInput(fault.message, faults=(FieldFault(field, fault.message),)) from None
        said = _said.keep(batch, request.body, events)

    def raw() -> RawRequest:
        return raw_of(API, request, now, key="", reading="read", fault="")

    if alone:
        return await door.admit_alone(raw, API.name, said.events)
    return await door.admit(raw, API.name, said.events, said.prints)


@dataclass(slots=True)
class _Said:
    """What a body said; `prints` from the second time on."""

    events: list[Event]
    prints: list[bytes] | None = None


class _Bodies:
    """The bodies that came last, with what was read in them: in a storm senders repeat them to the byte, and
    reading is pure. Bounded by number and by size."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bool, bytes], _Said] = OrderedDict()
        self._bytes = 0

    def find(self, batch: bool, body: bytes) -> _Said | None:
        said = self._kept.get((batch, body))
        if said is not None:
            self._kept.move_to_end((batch, body))
            if said.prints is None:
                said.prints = [fingerprint(event) for event in said.events]
        return said

    def keep(self, batch: bool, body: bytes, events: list[Event]) -> _Said:
        said = _Said(events)
        if len(body) <= _MOST_REMEMBERED_BYTES:
            self._kept[(batch, body)] = said
            self._bytes += len(body)
            while len(self._kept) > _MOST_REMEMBERED or self._bytes > _MOST_REMEMBERED_ALL:
                (_, gone), _ = self._kept.popitem(last=False)
                self._bytes -= len(gone)
        return said


_said = _Bodies()


def read(hub: Hub, integration: Integration, request: Request) -> list[Event]:
    """The events in a request, with the integration's templates applied and keys completed; raises Malformed."""
    kind = hub.sources[integration.source]
    context = SourceContext(integration=integration.name, options=hub.active.options_of(integration))
    events = kind.module.parse(request, context)
    if integration.templates:
        data = _data(request)
        events = [_templated(event, integration, data) for event in events]
    return events


def _unreadable(integration: Integration, fault: str, body: bytes) -> Event:
    return Event(
        action=Action.CREATE, dedup_key=UNREADABLE, severity=Severity.LOW, title=f"{integration.name} sends something we cannot read",
        description=f"{fault}\n\nThe request is kept as it came. Compare it with the source's documentation.",
        details={"integration": integration.name, "source": integration.source, "body_sha256": hashlib.sha256(body).hexdigest()},
    )  # fmt: skip


def _data(request: Request) -> Any:
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = request.body.decode("utf-8", "replace")
        return dict(parse_qsl(text or request.query))


def _templated(event: Event, integration: Integration, data: Any) -> Event:
    """Title, description and key as the integration words them; one that fails leaves the source's own and
    says so in the details (IN-8)."""
    context = {"integration": {"name": integration.name, "source": integration.source}, "data": data}
    changes: dict[str, Any] = {}
    notes: list[str] = []
    for name, text in integration.templates.items():
        limit = TITLE_LIMIT if name != "description" else DESCRIPTION_LIMIT
        try:
            value = template.render(text, context, limit)
        except template.TemplateError as fault:
            notes.append(f"template {name} failed ({fault}); the source's own is used")
            continue
        value = value if name == "description" else one_line(value)
        if value.strip():
            changes[name] = value
    if notes:
        changes["details"] = {**event.details, "template_faults": notes}
    return replace(event, **changes) if changes else event


def raw_of(
    integration: Integration, request: Request, now: datetime, *, key: str, reading: str, fault: str
) -> RawRequest:
    """The request as it is kept: authentication headers and the integration's key hashed (S50)."""
    body = request.body
    path = request.path
    if key:
        mark = f"sha256:{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        path = path.replace(key, mark)
        body = body.replace(key.encode(), mark.encode()) if len(key) >= 16 else body
    return RawRequest(
        id=new_id(now), received_at=now, integration=integration.name, source=integration.source, method=request.method,
        path=path, query=request.query.replace(key, "***") if key else request.query,
        headers=_headers(request.headers), body=body[:_MOST_BODY_IN_LOG], remote_address=request.remote_address,
        reading=reading, fault=fault[:1000],
    )  # fmt: skip


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    kept = list(headers.items())[:_MOST_HEADERS]
    return {name[:200]: _hashed(value) if _is_secret(name) else value[:_MOST_HEADER] for name, value in kept}


def _is_secret(name: str) -> bool:
    return (
        name in _SECRET_HEADERS
        or "token" in name
        or "secret" in name
        or "signature" in name
        or "api-key" in name
    )


def _hashed(value: str) -> str:
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"
