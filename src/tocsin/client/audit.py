"""What does the audit log look like in the API's answers, and how is it asked for?"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from tocsin.client.house import House
from tocsin.client.shapes import Page, Shape
from tocsin.client.transport import Answer, checked

_PIECE = 64 * 1024


class AuditEntry(Shape):
    """One act: who (`actor`, of `actor_kind`), how they came (`origin`, `via`, `address`), what (`action`, `object`),
    and how it was and is. `seq` None = not linked yet; `outcome` is done or refused."""

    id: int = 0
    seq: int | None = None
    hash: str = ""
    at: datetime | None = None
    actor: str = ""
    actor_kind: str = ""
    origin: str = ""
    via: str = ""
    address: str = ""
    action: str = ""
    object: str = ""
    outcome: str = ""
    text: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class AuditFault(Shape):
    """What does not hold, at which entry."""

    seq: int = 0
    text: str = ""


class AuditVerified(Shape):
    """What following the chain has found: entries `first` to `last`, whose hash is `hash`. `more` = there is more
    behind `last`; `waiting` are written and not linked yet."""

    ok: bool = False
    first: int = 0
    last: int = 0
    hash: str = ""
    checked: int = 0
    head: int = 0
    waiting: int = 0
    more: bool = False
    faults: list[AuditFault] = msgspec.field(default_factory=list)


class AuditLog(House):
    """The audit log of a server."""

    def audit(self, *, limit: int = 100, cursor: str = "", **narrowed: str) -> Page[AuditEntry]:
        """Who did what, the newest first; narrowed by `actor`, `action` ("incident" = all that begin with it), `object`,
        `origin`, `outcome`, `since` and `until` (RFC 3339)."""
        return self._page("/api/v1/audit", AuditEntry, {**narrowed, "limit": limit, "cursor": cursor})

    def audit_verify(self, *, after: int = 0) -> AuditVerified:
        """Follow the chain behind entry `after`, 50,000 entries at most."""
        query = {"after": after} if after else {}
        return self._read(
            self.call("GET", "/api/v1/audit/verify", query=query), "/api/v1/audit/verify", AuditVerified
        )

    def audit_export(self, *, since: str = "", until: str = "") -> Iterator[bytes]:
        """The log as lines of JSON, in pieces of a file; see `tocsin.client.ledger`. On a connection of its own."""
        body = {name: value for name, value in (("since", since), ("until", until)) if value}
        path, transport = "/api/v1/audit/export", self._transport
        connection = transport.connect()
        try:
            headers = transport.headers({"Content-Type": "application/json"})
            connection.request("POST", transport.target(path), json.dumps(body).encode(), headers)
            response = connection.getresponse()
            if response.status >= 300:
                answer = Answer(response.status, response.reason, {}, response.read())
                checked(answer, what=f"POST {path}")
            while piece := response.read(_PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise transport.unreachable(error) from error
        finally:
            connection.close()
