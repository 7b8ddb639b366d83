"""What does an HTTP answer of a provider mean before anyone looks at what was asked?

The table of statuses is one for all (S28, S33); a provider states its words and its own header of the rate limit.
Beside it: how what is in an answer is read without trusting it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from tocsin.core.model import Json
from tocsin.core.ports import FaultKind, Rejected, Response, Retry, WireFault
from tocsin.core.redact import Redactor

READABLE = 8 * 1024 * 1024
"""Bytes; a longer answer is no answer of a provider's."""

THROTTLED = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_WORDS = 300

_ADVICE = {401: "check api_key and region: a key of the other region is refused the same way"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one provider answers. `thing` is what it calls what we page by ("incident"); `advice` what to do about a
    status; `limit_header` tells the seconds until a rate limit ends (it comes with every answer, so it counts on
    a 429 alone); `words` reads the error's text out of an answer."""

    name: str
    thing: str
    limit_header: str
    words: Callable[[Response], str]
    advice: Mapping[int, str] = field(default_factory=dict)


def not_done(
    answer: Response | WireFault, secrets: Iterable[str], manner: Manner, *, act: bool
) -> Retry | Rejected | None:
    """The refusal in an answer, None for 2xx. `act` = about one that exists there: 404 is then "gone"."""
    if isinstance(answer, WireFault):
        return Retry(reason=answer.message, ambiguous=answer.kind is FaultKind.AMBIGUOUS)
    status = answer.status
    if 200 <= status < 300:
        return None
    said = hide(manner.words(answer), secrets)
    reason = f"{manner.name} answered {status}" + (f": {said}" if said else "")
    if status == 429:
        wait = _wait(answer, manner.limit_header) or THROTTLED
        return Retry(reason=reason, not_before=wait, counts=False, throttled=True)
    if status == 408 or status >= 500:
        return Retry(reason=reason, not_before=_wait(answer), ambiguous=True)
    gone = act and status == 404
    advice = manner.advice.get(status, _ADVICE.get(status, ""))
    if gone:
        advice = f"the {manner.thing} is not known there"
    if status // 100 == 3:
        advice = "redirects are not followed: check base_url"
    return Rejected(
        reason=f"{reason} ({advice})" if advice else reason,
        status=status,
        counts=status in (401, 403),
        gone=gone,
    )


def unreadable(answer: Response, manner: Manner) -> Retry:
    """A 2xx whose body says nothing we can use: a proxy's page, a cut answer. It may have been applied."""
    return Retry(reason=f"{manner.name} answered {answer.status}, but the body is unreadable", ambiguous=True)


def _wait(answer: Response, *besides: str) -> timedelta | None:
    """Retry-After in seconds, else another header's; at most an hour."""
    for name in ("retry-after", *besides):
        value = answer.headers.get(name, "").strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            return min(timedelta(seconds=float(value)), LONGEST_WAIT)
    return None


# ---- reading without trusting ------------------------------------------------------------------------------


def json_of(body: bytes) -> Json:
    """The value in a body; None when it is none, too long or too deep."""
    if len(body) > READABLE:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def dumped(body: Json) -> bytes:
    """A body as bytes; b"" for None. A half of a surrogate pair becomes "?"."""
    return b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def mapping(value: Json, *path: str) -> Mapping[str, Json]:
    """The map at `path` inside `value`; {} where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Mapping[str, Json]]:
    """The maps of a list; [] when it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Json) -> str:
    """A string as it can be stored and sent again; "" when it is none."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\0", "")


def hide(words: str, secrets: Iterable[str]) -> str:
    """`words`, at most LONGEST_WORDS characters, with each secret replaced, in whatever form it is repeated."""
    return _hides(frozenset(secrets)).known(words)[:LONGEST_WORDS]


@lru_cache(maxsize=64)
def _hides(secrets: frozenset[str]) -> Redactor:
    return Redactor(secrets, mask="[secret]")
