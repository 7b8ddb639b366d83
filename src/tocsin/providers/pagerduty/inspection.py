"""Which settings of the services at PagerDuty would surprise somebody who relies on the hub (S40)?

Fields: PagerDuty/api-schema@91a06fb (2026-11-20): `acknowledgement_timeout` and `auto_resolve_timeout` in seconds,
null = off; the defaults are half an hour and four hours.
"""

from __future__ import annotations

from urllib.parse import quote

from tocsin.core.ports import Call, Response
from tocsin.providers.pagerduty import answers, options
from tocsin.providers.pagerduty.calls import request
from tocsin.providers.pagerduty.options import Settings

MOST = 20  # services; who maps more has seen the warning by then


def calls(settings: Settings) -> list[Call]:
    """One read for each service that is mapped, MOST at most; none over Events v2, which can read nothing."""
    if options.uses_events(settings):
        return []
    mapped = options.table(settings, "service_mappings").values()
    services = {options.word(settings, "service_id"), *(value for value in mapped if isinstance(value, str))}
    return [
        Call(
            request(settings, "GET", f"/services/{quote(service, safe='')}"), f"service:{service}", reads=True
        )
        for service in sorted(services - {""})[:MOST]
    ]


def warnings(call: Call, answer: Response) -> list[str]:
    """What an answer shows, each with the next step."""
    if answer.status == 404:
        return []  # that is for `missing`
    service = answers.mapping(answers.json_of(answer.body), "service")
    name = name_of(call, answer)
    found = []
    if seconds := _seconds(service.get("auto_resolve_timeout")):
        found.append(
            f"the service {name} resolves by itself after {_told(seconds)}: what still fires here is opened there"
            " again, and rings again; switch auto-resolve off there"
        )
    if seconds := _seconds(service.get("acknowledgement_timeout")):
        found.append(
            f"the service {name} takes an acknowledgement back after {_told(seconds)} and rings again, which the hub"
            " only records; switch the acknowledgement timeout off there: the hub has its own"
        )
    if (status := answers.text(service.get("status"))) in ("disabled", "maintenance"):
        found.append(f"the service {name} is {status}: a page there reaches nobody")
    return found


def name_of(call: Call, answer: Response) -> str:
    """What the service is called there, else its id."""
    service = answers.mapping(answers.json_of(answer.body), "service")
    return answers.text(service.get("name")) or call.step.partition(":")[2]


def _seconds(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _told(seconds: int) -> str:
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{max(seconds // 60, 1)} min"
