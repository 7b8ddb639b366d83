"""Does everything hold at Opsgenie, or at JSM Operations, that this connector needs?

Whether a key may write shows in a write alone: a create without a message is refused with 422 by a key that may, with
403 by one that may not (https://docs.opsgenie.com/docs/alert-api and /docs/response, 2026-11-20). Teams and the like can
be read with configuration access alone; a 403 there says nothing of whether they exist.
"""

from __future__ import annotations

from tocsin.core.checks import Heard, Here, Line, State, skew_line
from tocsin.core.model import Json
from tocsin.core.ports import Call, Request, Response, WireFault
from tocsin.providers.opsgenie import acts, answers, cloud, integrations, mapped, options
from tocsin.providers.opsgenie.options import Settings

MOST = 50
_OTHER = {"us": "eu", "eu": "us"}


def calls(settings: Settings, here: Here, heard: Heard) -> list[Call]:
    """All at once; then the webhook integrations one by one, and after a 401 the same key at the other region."""
    if options.is_jsm(settings):
        return [] if heard else _jsm_calls(settings)
    if heard:
        more = integrations.calls(settings, heard) if "integrations" in heard else []
        return [*_other_region(settings, heard), *more]
    found = [
        Call(acts.request(settings, "GET", "/v2/alerts?limit=1"), "api", reads=True),
        Call(acts.request(settings, "POST", "/v2/alerts", {}), "write"),
    ]
    found += [
        Call(call.send, f"mapped:{number}", reads=True)
        for number, call in enumerate(mapped.calls(settings)[:MOST])
    ]
    return found + (integrations.calls(settings, {}) if here.wanted and here.address else [])


def _jsm_calls(settings: Settings) -> list[Call]:
    headers = {
        "Authorization": f"GenieKey {options.word(settings, 'api_key')}",
        "Content-Type": "application/json",
    }
    url = f"{options.address(settings)}/v2/alerts"
    found = [
        Call(cloud.events_probe(settings), "api", reads=True),
        Call(Request(method="POST", url=url, headers=headers, body=b"{}"), "write"),
    ]
    return (
        [*found, Call(cloud.probe(settings).send, "cloud:list", reads=True)]
        if options.reads_jsm(settings)
        else found
    )


def lines(settings: Settings, here: Here, heard: Heard) -> list[Line]:
    """Key and its rights, who is paged, the way back."""
    name = "JSM Operations" if options.is_jsm(settings) else "Opsgenie"
    found = [_api(settings, heard, name)]
    first = heard.get("api")
    known = isinstance(first, Response) and first.status != 401
    found += _write(heard, known, name)
    if options.is_jsm(settings):
        found += _cloud(settings, heard)
    else:
        found += _responders(settings, heard, known)
    found += integrations.lines(settings, here, heard, name)
    return [*found, *skew_line(name, heard, here)]


def _api(settings: Settings, heard: Heard, name: str) -> Line:
    answer = heard.get("api")
    if isinstance(answer, Response):
        body = answers.mapping(answers.json_of(answer.body))
        if cloud.proves(answer) or (answer.status == 200 and isinstance(body.get("data"), list)):
            return Line(subject="api", state=State.OK, text=f"Connected to {name} API")
        if answer.status == 401:
            return _refused(settings, heard, name)
        if answer.status == 200:
            return _failed("api", f"What answers is not {name}'s API: its answer is unreadable", "check base_url, and any proxy between")  # fmt: skip
    return _fault("api", f"{name} API", answer)


def _refused(settings: Settings, heard: Heard, name: str) -> Line:
    elsewhere = heard.get("other-region")
    if isinstance(elsewhere, Response) and elsewhere.status == 200:
        other = _OTHER[_region(settings)]
        text = f"{name} refuses the API key here (401): it belongs to the {other.upper()} region"
        return _failed("api", text, f"set region: {other}")
    kind = "mistyped, or its integration is switched off" + (
        "" if options.is_jsm(settings) else ", or of the other region"
    )
    return _failed("api", f"{name} refuses the API key (401): {kind}", "copy the key of an API integration")


def _write(heard: Heard, known: bool, name: str) -> list[Line]:
    answer = heard.get("write")
    if not known or not isinstance(answer, Response):
        return []
    if answer.status in (401, 403):
        text = f"The API key may not create alerts ({answer.status}): it can page nobody"
        return [
            _failed(
                "write",
                text,
                f"allow its integration at {name} read, create and update access, and switch it on",
            )
        ]
    if answer.status in (400, 422):
        return [Line(subject="write", state=State.OK, text="API key may create alerts")]
    return []


def _responders(settings: Settings, heard: Heard, known: bool) -> list[Line]:
    found, unasked = [], []
    for number, call in enumerate(mapped.calls(settings)[:MOST]):
        word, named, answer = *mapped.named(call), heard.get(f"mapped:{number}")
        if not known or answer is None or (isinstance(answer, Response) and answer.status in (402, 403)):
            unasked.append(f"{word} {named}")
        elif isinstance(answer, Response) and answer.status == 404:
            text = f"{word.capitalize()} {named} is not at Opsgenie (404), named by {call.step.replace('|', ', ')}"
            found.append(_failed("responder", text, "im connector discover lists what is there"))
        elif isinstance(answer, Response) and answer.status == 200:
            found.append(Line(subject="responder", state=State.OK, text=f"{word.capitalize()} {named} found"))
        else:
            found.append(_fault("responder", f"{word.capitalize()} {named}", answer))
    if unasked:
        text = f"Not checked: {', '.join(unasked)}"
        step = "allow the key configuration access to have them checked" if known else ""
        found.append(Line(subject="responder", state=State.UNKNOWN, text=text, step=step))
    return found


def _cloud(settings: Settings, heard: Heard) -> list[Line]:
    """JSM's REST API, which alone can read back."""
    if not options.reads_jsm(settings):
        text = "Alerts cannot be read back: an acknowledgement whose webhook is lost is never learned"
        return [
            Line(
                subject="reading",
                state=State.WARNING,
                text=text,
                step="set custom.cloud_id, custom.email and custom.api_token",
            )
        ]
    answer = heard.get("cloud:list")
    if isinstance(answer, Response) and cloud.proves(answer):
        return [Line(subject="reading", state=State.OK, text="JSM REST API readable")]
    if isinstance(answer, Response) and answer.status in (401, 403):
        text = f"JSM REST API refuses e-mail and API token ({answer.status})"
        return [
            _failed("reading", text, "make a token at id.atlassian.com for a user who may see the operations")
        ]
    if isinstance(answer, Response) and answer.status == 404:
        return [
            _failed("reading", "JSM REST API does not know this cloud (404)", "correct custom.cloud_id: https://<site>/_edge/tenant_info shows it")
        ]  # fmt: skip
    return [_fault("reading", "JSM REST API", answer)]


def _other_region(settings: Settings, heard: Heard) -> list[Call]:
    """Only between Opsgenie's own addresses."""
    refused = heard.get("api")
    if not isinstance(refused, Response) or refused.status != 401 or "other-region" in heard:
        return []
    if options.word(settings, "base_url"):
        return []
    there: dict[str, Json] = {**settings, "region": _OTHER[_region(settings)]}
    return [Call(acts.request(there, "GET", "/v2/alerts?limit=1"), "other-region", reads=True)]


def _region(settings: Settings) -> str:
    return "eu" if options.word(settings, "region").lower() == "eu" else "us"


def _failed(subject: str, text: str, step: str) -> Line:
    return Line(subject=subject, state=State.FAILED, text=text, step=step)


def _fault(subject: str, what: str, answer: Response | WireFault | None) -> Line:
    """The line of a call that brought nothing to use."""
    text, unreachable = "no answer in time", True
    if isinstance(answer, WireFault):
        text = answer.message
    elif answer is not None:
        refusal = answers.not_done(answer, (), act=False)
        text = refusal.reason if refusal else "the answer is unreadable"
        unreachable = answer.status >= 500
    step = "check base_url and the network, and try again" if unreachable else ""
    return Line(
        subject=subject, state=State.FAILED, text=f"{what}: {text}", step=step, unreachable=unreachable
    )
