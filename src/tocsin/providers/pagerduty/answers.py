"""What does an answer of PagerDuty mean before anyone looks at what was asked?

Status codes and error bodies: https://developer.pagerduty.com/docs/errors (2026-11-20); rate limit headers:
https://developer.pagerduty.com/docs/rest-api-rate-limits (2026-11-20).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from tocsin.core.model import Json
from tocsin.core.ports import FaultKind, Rejected, Response, Retry, WireFault

READABLE = 8 * 1024 * 1024  # bytes; a longer answer is no answer of PagerDuty's
THROTTLED = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=1)
ALREADY_RESOLVED, ALREADY_ACKNOWLEDGED = 1001, 1002
_ADVICE = {
    401: "check api_key and region: a key of the other region is refused the same way",
    402: "the PagerDuty plan does not include this",
    403: "the key may not do this: it needs full access, not read-only",
    404: "check service_id and service_mappings",
}


def json_of(body: bytes) -> Json:
    """The value in a body; None when it is none, too long or too deep."""
    if len(body) > READABLE:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


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


def error_code(answer: Response) -> int:
    """PagerDuty's own code ("1001"); 0 when there is none."""
    code = mapping(json_of(answer.body), "error").get("code")
    return code if isinstance(code, int) else 0


def error_text(answer: Response, secrets: Iterable[str]) -> str:
    """What PagerDuty wrote, at most 300 characters, without our secrets should it repeat one."""
    body = json_of(answer.body)
    error = mapping(body, "error") or mapping(body)
    more = error.get("errors")
    parts = [text(error.get("message")), *(text(part) for part in (more if isinstance(more, list) else []))]
    return hide(" ".join(part for part in parts if part), secrets)[:300]


def hide(words: str, secrets: Iterable[str]) -> str:
    """`words` with each secret replaced."""
    for secret in secrets:
        if secret:
            words = words.replace(secret, "[secret]")
    return words


def not_done(answer: Response | WireFault, secrets: Iterable[str], *, act: bool) -> Retry | Rejected | None:
    """The refusal in an answer, None for 2xx. `act` = about an incident that exists: 404 is then "gone"."""
    if isinstance(answer, WireFault):
        return _fault(answer)
    status = answer.status
    if 200 <= status < 300:
        return None
    said = error_text(answer, secrets)
    reason = f"PagerDuty answered {status}" + (f": {said}" if said else "")
    if status == 429:
        return Retry(
            reason=reason,
            not_before=_wait(answer, "ratelimit-reset") or THROTTLED,
            counts=False,
            throttled=True,
        )
    if status == 408 or status >= 500:
        return Retry(reason=reason, not_before=_wait(answer), ambiguous=True)
    gone = act and status == 404
    advice = "the incident is not known there" if gone else _ADVICE.get(status, "")
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
    return Retry(reason=f"PagerDuty answered {answer.status}, but the body is unreadable", ambiguous=True)


def _fault(fault: WireFault) -> Retry:
    return Retry(reason=fault.message, ambiguous=fault.kind is FaultKind.AMBIGUOUS)


def _wait(answer: Response, *besides: str) -> timedelta | None:
    """Retry-After in seconds, else another header's; at most an hour. The rate limit headers come with
    every answer, so they count on a 429 alone."""
    for name in ("retry-after", *besides):
        value = answer.headers.get(name, "").strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            return min(timedelta(seconds=float(value)), LONGEST_WAIT)
    return None


def dumped(body: Json) -> bytes:
    """A body as bytes; b"" for None. A half of a surrogate pair becomes "?"."""
    return b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
