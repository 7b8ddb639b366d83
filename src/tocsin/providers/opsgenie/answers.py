"""What does an answer of Opsgenie mean before anyone looks at what was asked?

Status codes: https://docs.opsgenie.com/docs/response; rate limit headers:
https://docs.opsgenie.com/docs/api-rate-limiting (2026-11-20). No figures of the limits are public, so the
headers alone are obeyed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from tocsin.core.model import Json
from tocsin.core.ports import FaultKind, Rejected, Response, Retry, WireFault

READABLE = 8 * 1024 * 1024  # bytes; a longer answer is no answer of Opsgenie's
THROTTLED = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=1)
_ADVICE = {
    401: "check api_key and region: a key of the other region is refused the same way",
    402: "the Opsgenie plan does not include this",
    403: "the integration's key may not do this: allow it read and create/update access",
    404: "check base_url",
    422: "check service_mappings, policy_mappings and priority_mapping",
}


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
    """`words`, at most 300 characters, with each secret replaced."""
    for secret in secrets:
        if secret:
            words = words.replace(secret, "[secret]")
    return words[:300]


def not_done(answer: Response | WireFault, secrets: Iterable[str], *, act: bool) -> Retry | Rejected | None:
    """The refusal in an answer, None for 2xx. `act` = about an alert that exists: 404 is then "gone"."""
    if isinstance(answer, WireFault):
        return Retry(reason=answer.message, ambiguous=answer.kind is FaultKind.AMBIGUOUS)
    status = answer.status
    if 200 <= status < 300:
        return None
    said = hide(_error_text(answer), secrets)
    reason = f"Opsgenie answered {status}" + (f": {said}" if said else "")
    if status == 429:
        return Retry(
            reason=reason,
            not_before=_wait(answer, "x-ratelimit-period-in-sec") or THROTTLED,
            counts=False,
            throttled=True,
        )
    if status == 408 or status >= 500:
        return Retry(reason=reason, not_before=_wait(answer), ambiguous=True)
    gone = act and status == 404
    advice = "the alert is not known there" if gone else _ADVICE.get(status, "")
    if status // 100 == 3:
        advice = "redirects are not followed: check base_url"
    return Rejected(
        reason=f"{reason} ({advice})" if advice else reason,
        status=status,
        counts=status in (401, 403),
        gone=gone,
    )


def unreadable(answer: Response) -> Retry:
    """A 2xx whose body says nothing we can use: a proxy's page, a cut answer. It may have been applied."""
    return Retry(reason=f"Opsgenie answered {answer.status}, but the body is unreadable", ambiguous=True)


def _error_text(answer: Response) -> str:
    body = mapping(json_of(answer.body))
    faults = [f"{field}: {text(said)}" for field, said in mapping(body, "errors").items() if text(said)]
    return " ".join(part for part in (text(body.get("message")), *faults) if part)


def _wait(answer: Response, *besides: str) -> timedelta | None:
    """Retry-After in seconds, else another header's (of the limit that was met); at most an hour."""
    for name in ("retry-after", *besides):
        value = answer.headers.get(name, "").strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            return min(timedelta(seconds=float(value)), LONGEST_WAIT)
    return None
