"""Does everything hold at PagerDuty that this connector needs?

Roles: https://support.pagerduty.com/main/docs/user-roles; `GET /users?query=`, `GET /services/{id}`,
`GET /escalation_policies/{id}`, `PUT /incidents`: PagerDuty/api-schema@91a06fb (2026-11-20). A key that may only read
shows in a write alone: an update of no incidents changes nothing and is refused with 403 to such a key, with 400 to any other.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from tocsin.core.checks import Heard, Here, Line, State, skew_line
from tocsin.core.ports import Call, Response
from tocsin.providers.pagerduty import answers, events_checks, inspection, options, subscriptions
from tocsin.providers.pagerduty.calls import request
from tocsin.providers.pagerduty.faults import fault
from tocsin.providers.pagerduty.options import Settings

MOST = 50  # services and policies that are looked at one by one
_READERS = {
    "read_only_user": "Full Stakeholder",
    "read_only_limited_user": "Limited Stakeholder",
    "observer": "Observer",
    "restricted_access": "Restricted Access",
}
_OTHER = {"us": "eu", "eu": "us"}


def calls(settings: Settings, here: Here, heard: Heard) -> list[Call]:
    """All at once; then further pages of the subscriptions, and after a 401 the same key at the other region."""
    if options.uses_events(settings):
        return events_checks.calls(settings, heard)
    if heard:  # the first round is over
        return [*_other_region(settings, heard), *subscriptions.more(settings, heard)]
    found = [Call(request(settings, "GET", "/abilities"), "api", reads=True)]
    if email := options.word(settings, "from_email"):
        found.append(
            Call(request(settings, "GET", "/users", query=urlencode({"query": email, "limit": 100})), "user", reads=True)
        )  # fmt: skip
        found.append(Call(request(settings, "PUT", "/incidents", {"incidents": []}), "write"))
    for kind, named in (("service", services(settings)), ("policy", policies(settings))):
        path = "/services/" if kind == "service" else "/escalation_policies/"
        found += [
            Call(request(settings, "GET", path + quote(one, safe="")), f"{kind}:{one}", reads=True)
            for one in [*named][:MOST]
        ]
    if here.wanted and here.address:
        found.append(subscriptions.page(settings, 0))
    return found


def lines(settings: Settings, here: Here, heard: Heard) -> list[Line]:
    """The document's five first, then what would surprise somebody."""
    if options.uses_events(settings):
        return events_checks.lines(heard)
    api = _api(settings, heard)
    first = heard.get("api")
    known = isinstance(first, Response) and first.status != 401
    found = [api, *_write(heard, known)]
    for service, names in services(settings).items():
        found.append(_thing(heard, "service", service, names, known))
    if email := options.word(settings, "from_email"):
        found.append(_user(email, heard, known))
    for policy, names in policies(settings).items():
        found.append(_thing(heard, "policy", policy, names, known))
    found += subscriptions.lines(settings, here, heard, known)
    return [*found, *_warnings(settings, heard), *skew_line("PagerDuty", heard, here)]


def services(settings: Settings) -> dict[str, list[str]]:
    """Service id -> the names that are mapped to it; the default service first."""
    return _named(settings, "service_id", "service_mappings")


def policies(settings: Settings) -> dict[str, list[str]]:
    """Escalation policy id -> the names that are mapped to it."""
    return _named(settings, "escalation_policy_id", "policy_mappings")


def _named(settings: Settings, single: str, mapping: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if first := options.word(settings, single):
        found[first] = []
    for name, value in options.table(settings, mapping).items():
        if isinstance(value, str) and value.strip():
            found.setdefault(value.strip(), []).extend([name] if name != "default" else [])
    return found


def _api(settings: Settings, heard: Heard) -> Line:
    answer = heard.get("api")
    if isinstance(answer, Response) and answer.status == 200:
        body = answers.mapping(answers.json_of(answer.body))
        if isinstance(body.get("abilities"), list):
            return Line(subject="api", state=State.OK, text="Connected to PagerDuty API")
        return Line(
            subject="api", state=State.FAILED, text="What answers is not PagerDuty's API: its answer is unreadable",
            step="check base_url, and any proxy between",
        )  # fmt: skip
    if isinstance(answer, Response) and answer.status == 401:
        elsewhere = heard.get("other-region")
        if isinstance(elsewhere, Response) and elsewhere.status == 200:
            other = _OTHER[_region(settings)]
            return Line(
                subject="api", state=State.FAILED, text=f"PagerDuty refuses the API key here (401): it belongs to the {other.upper()} region",
                step=f"set region: {other}",
            )  # fmt: skip
        return Line(
            subject="api", state=State.FAILED, text="PagerDuty refuses the API key (401): mistyped, revoked, or of the other region",
            step="make a key at Integrations, API Access Keys, and check region",
        )  # fmt: skip
    return fault("api", "PagerDuty API", answer)


def _write(heard: Heard, known: bool) -> list[Line]:
    answer = heard.get("write")
    if not known or not isinstance(answer, Response) or answer.status != 403:
        return []
    return [
        Line(
            subject="write", state=State.FAILED, text="The API key may only read (403): it can page nobody",
            step="make one with full access: Integrations, API Access Keys, not read-only",
        )
    ]  # fmt: skip


def _thing(heard: Heard, kind: str, wanted: str, names: list[str], known: bool) -> Line:
    word, done = ("Service", "accessible") if kind == "service" else ("Escalation policy", "found")
    what = f"{word} {wanted}"
    mapped = f" ({', '.join(names)})" if names else ""
    answer = heard.get(f"{kind}:{wanted}")
    if not known:
        return Line(subject=kind, state=State.UNKNOWN, text=f"{what}{mapped} not checked: no answer to go by")
    if answer is None:
        text = f"{what}{mapped} not checked: only {MOST} are looked at, and those that answer in time"
        return Line(subject=kind, state=State.UNKNOWN, text=text)
    if isinstance(answer, Response) and answer.status == 404:
        setting = (
            "service_id or service_mappings"
            if kind == "service"
            else "escalation_policy_id or policy_mappings"
        )
        return Line(
            subject=kind, state=State.FAILED, text=f"{what}{mapped} is not at PagerDuty (404)",
            step=f"correct custom.{setting}: im connector discover lists what is there",
        )  # fmt: skip
    if isinstance(answer, Response) and answer.status == 403:
        return Line(
            subject=kind, state=State.FAILED, text=f"{what}{mapped} is not for this key (403)",
            step="give the key's user access to it, or make an account key",
        )  # fmt: skip
    if isinstance(answer, Response) and answer.status == 200:
        return Line(subject=kind, state=State.OK, text=f"{what} {done}{mapped}")
    return fault(kind, what + mapped, answer)


def _user(email: str, heard: Heard, known: bool) -> Line:
    if not known:
        return Line(subject="user", state=State.UNKNOWN, text=f"User {email} not checked: no answer to go by")
    answer = heard.get("user")
    if not isinstance(answer, Response) or answer.status != 200:
        return fault("user", f"User {email}", answer)
    users = answers.items(answers.mapping(answers.json_of(answer.body)).get("users"))
    user = next((one for one in users if answers.text(one.get("email")).lower() == email.lower()), None)
    if user is None:
        return Line(
            subject="user", state=State.FAILED, text=f"{email} is no user at PagerDuty: it would refuse each page",
            step="set custom.from_email to the address that a user there signs in with",
        )  # fmt: skip
    role = answers.text(user.get("role"))
    if role in _READERS:
        return Line(
            subject="user", state=State.FAILED, text=f"User {email} may not act on incidents: the role there is {_READERS[role]}",
            step="make it a Responder or Manager at People, Users",
        )  # fmt: skip
    return Line(subject="user", state=State.OK, text=f"User {email} valid")


def _warnings(settings: Settings, heard: Heard) -> list[Line]:
    """One line for what several services have in common."""
    found: dict[str, list[str]] = {}
    for service in services(settings):
        answer = heard.get(f"service:{service}")
        if isinstance(answer, Response) and answer.status == 200:
            call = Call(request(settings, "GET", "/services"), f"service:{service}", reads=True)
            name = inspection.name_of(call, answer)
            for words in inspection.warnings(call, answer):
                found.setdefault(words.removeprefix(f"the service {name} "), []).append(name)
    told = []
    for words, names in found.items():
        what, _, step = words.rpartition("; ")
        who = f"Service {names[0]}" if len(names) == 1 else f"Services {', '.join(names)}: each"
        told.append(
            Line(
                subject="timer", state=State.WARNING, text=f"{who} {what or words}", step=step if what else ""
            )
        )
    return told


def _region(settings: Settings) -> str:
    return "eu" if options.word(settings, "region").lower() == "eu" else "us"


def _other_region(settings: Settings, heard: Heard) -> list[Call]:
    """Only between PagerDuty's own addresses: a key goes to no host that was not named by the vendor or by us."""
    refused = heard.get("api")
    if not isinstance(refused, Response) or refused.status != 401 or "other-region" in heard:
        return []
    if options.word(settings, "base_url"):
        return []
    there = {**settings, "region": _OTHER[_region(settings)]}
    return [Call(request(there, "GET", "/abilities"), "other-region", reads=True)]
