"""What does an answer of PagerDuty mean before anyone looks at what was asked?

Status codes and error bodies: https://developer.pagerduty.com/docs/errors (2026-11-20); rate limit headers:
https://developer.pagerduty.com/docs/rest-api-rate-limits (2026-11-20).
"""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.core import answers
from tocsin.core.answers import Manner, dumped, hide, items, json_of, mapping, text
from tocsin.core.ports import Rejected, Response, Retry, WireFault

__all__ = [
    "ALREADY_ACKNOWLEDGED", "ALREADY_MERGED", "ALREADY_RESOLVED", "dumped", "error_code", "error_text", "hide", "items", "json_of", "mapping",
    "not_done", "text", "unreadable",
]  # fmt: skip

ALREADY_RESOLVED, ALREADY_ACKNOWLEDGED, ALREADY_MERGED = 1001, 1002, 1019


def error_code(answer: Response) -> int:
    """PagerDuty's own code ("1001"); 0 when there is none."""
    code = mapping(json_of(answer.body), "error").get("code")
    return code if isinstance(code, int) else 0


def error_text(answer: Response, secrets: Iterable[str]) -> str:
    """What PagerDuty wrote, without our secrets should it repeat one."""
    return hide(_words(answer), secrets)


def _words(answer: Response) -> str:
    body = json_of(answer.body)
    error = mapping(body, "error") or mapping(body)
    more = error.get("errors")
    parts = [text(error.get("message")), *(text(part) for part in (more if isinstance(more, list) else []))]
    return " ".join(part for part in parts if part)


_MANNER = Manner(
    name="PagerDuty",
    thing="incident",
    limit_header="ratelimit-reset",
    words=_words,
    advice={
        402: "the PagerDuty plan does not include this",
        403: "the key may not do this: it needs full access, not read-only",
        404: "check service_id and service_mappings",
    },
)


def not_done(answer: Response | WireFault, secrets: Iterable[str], *, act: bool) -> Retry | Rejected | None:
    """The refusal in an answer, None for 2xx. `act` = about an incident that exists: 404 is then "gone"."""
    return answers.not_done(answer, secrets, _MANNER, act=act)


def unreadable(answer: Response) -> Retry:
    """A 2xx whose body says nothing we can use. It may have been applied."""
    return answers.unreadable(answer, _MANNER)
