"""What every route is handed: the hub, who is calling, and where in a list they are."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tocsin.api.auth import Principal, authorize
from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.model import Actor, ActorKind
from tocsin.engine.hub import Hub


def hub_of(request: Request) -> Hub:
    """The hub this application was built for."""
    hub: Hub = request.app.state.hub
    return hub


TheHub = Annotated[Hub, Depends(hub_of)]


def needs(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that lets only callers through who have `scope`, by their role or their token (core/roles.py)."""

    async def ask(request: Request) -> Principal:
        return await authorize(hub_of(request), request.scope, scope)

    ask.needed = scope  # type: ignore[attr-defined]
    return ask


Reader = Annotated[Principal, Depends(needs("read"))]
Writer = Annotated[Principal, Depends(needs("write"))]
Manager = Annotated[Principal, Depends(needs("manage"))]
Admin = Annotated[Principal, Depends(needs("admin"))]
Anyone = Annotated[Principal, Depends(needs(""))]


def actor_of(principal: Principal, request: Request) -> Actor:
    """The person behind a call, as the timeline shows them."""
    agent = request.headers.get("user-agent", "")
    via = "page" if principal.via == "session" else "cli" if agent.startswith(("im/", "im ")) else "api"
    return Actor(ActorKind.PERSON, principal.name, via)


def storable(text: str) -> str:
    """Text that the database can hold; ValueError for NUL and for half a surrogate pair."""
    if "\x00" in text:
        raise ValueError("must not hold the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not valid Unicode") from None
    return text


Text = Annotated[str, AfterValidator(storable), Field(max_length=20_000)]
Word = Annotated[str, AfterValidator(storable), Field(max_length=500)]


class Strict(BaseModel):
    """A body or query: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


class Paged(Strict):
    """Where in a list."""

    limit: int = Field(100, ge=1, le=500, description="How many at most.")
    cursor: Word = Field("", description="`next_cursor` of the page before.")


def cursor_out(*place: int | str | datetime | UUID) -> str:
    """An opaque cursor."""
    plain = [p.isoformat() if isinstance(p, datetime) else p if isinstance(p, int) else str(p) for p in place]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def cursor_in(cursor: str, *kinds: type) -> tuple[Any, ...] | None:
    """The place a cursor names, None for ""; raises BadInput for what is none of ours."""
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        plain = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(plain, list) or len(plain) != len(kinds):
            raise ValueError(cursor)
        return tuple(_place(value, kind) for value, kind in zip(plain, kinds, strict=True))
    except (ValueError, binascii.Error, UnicodeDecodeError, TypeError, RecursionError):
        fault = FieldFault("cursor", "is not one that this list gave")
        raise BadInput("The cursor is not one of this list", faults=(fault,)) from None


def _place(value: Any, kind: type) -> Any:
    if kind is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None or not 1970 <= at.year < 9000:
            raise ValueError(value)
        return at
    if kind is int:
        if type(value) is not int or not -(2**62) < value < 2**62:
            raise ValueError(value)
        return value
    return kind(value)


def words(text: str, field: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """A comma list of known words; raises BadInput naming the first that is not."""
    listed = tuple(dict.fromkeys(word.strip().lower() for word in text.split(",") if word.strip()))
    for word in listed:
        if word not in known:
            fault = FieldFault(field, f"{word} is none of {', '.join(known)}")
            raise BadInput(f"{field} is not right", faults=(fault,))
    return listed
