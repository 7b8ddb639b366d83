"""What does an answer of Opsgenie mean before anyone looks at what was asked?

Status codes: https://docs.opsgenie.com/docs/response; rate limit headers:
https://docs.opsgenie.com/docs/api-rate-limiting (2026-11-20). No figures of the limits are public, so the
headers alone are obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.core import answers
from tocsin.core.answers import Manner, dumped, hide, items, json_of, mapping, text
from tocsin.core.ports import Rejected, Response, Retry, WireFault

__all__ = ["dumped", "hide", "items", "json_of", "mapping", "not_done", "text", "unreadable"]


def _words(answer: Response) -> str:
    body = mapping(json_of(answer.body))
    faults = [f"{field}: {text(said)}" for field, said in mapping(body, "errors").items() if text(said)]
    return " ".join(part for part in (text(body.get("message")), *faults) if part)


_MANNER = Manner(
    name="Opsgenie",
    thing="alert",
    limit_header="x-ratelimit-period-in-sec",
    words=_words,
    advice={
        402: "the Opsgenie plan does not include this",
        403: "the integration's key may not do this: allow it read and create/update access",
        404: "check base_url",
        422: "check service_mappings, policy_mappings and priority_mapping",
    },
)


def not_done(answer: Response | WireFault, secrets: Iterable[str], *, act: bool) -> Retry | Rejected | None:
    """The refusal in an answer, None for 2xx. `act` = about an alert that exists: 404 is then "gone"."""
    return answers.not_done(answer, secrets, _MANNER, act=act)


def unreadable(answer: Response) -> Retry:
    """A 2xx whose body says nothing we can use. It may have been applied."""
    return answers.unreadable(answer, _MANNER)
