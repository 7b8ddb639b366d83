"""Which webhook integrations does Opsgenie have, and how is one of ours made and taken away?

`/v2/integrations`: opsgenie/opsgenie-oas@71c5534, WebhookIntegration (2026-11-20). It takes a key with configuration
access; an API integration of a team has none, and the answer is 403. Opsgenie signs nothing: a token in the address is
the proof, and there is no call that sends a test delivery. JSM Operations makes its integrations by hand alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from tocsin.core.checks import Heard, Here, Line, State
from tocsin.core.model import Json
from tocsin.core.ports import Call, Response, WireFault
from tocsin.core.webhooks import Listed, Made, Subscription
from tocsin.providers.opsgenie import acts, answers, options
from tocsin.providers.opsgenie.options import Settings

MOST = 20
SETTING = "webhook_token"
_PATH = "/v2/integrations"
_FORBIDDEN = "the API key has no configuration access (403)"
_ALLOW = "allow it, or use the key of an account-level API integration that has it"


def calls(settings: Settings, heard: Heard) -> list[Call]:
    """The list of webhook integrations, then each of them, whose address the list leaves out."""
    if "integrations" not in heard:
        return [Call(acts.request(settings, "GET", f"{_PATH}?type=Webhook"), "integrations", reads=True)]
    found = [answers.text(one.get("id")) for one in _listed(heard["integrations"])]
    return [
        Call(acts.request(settings, "GET", f"{_PATH}/{quote(one, safe='')}"), f"integration:{one}", reads=True)
        for one in found[:MOST]
        if one and f"integration:{one}" not in heard
    ]  # fmt: skip


def _listed(answer: Response | WireFault) -> list[Mapping[str, Json]]:
    good = isinstance(answer, Response) and answer.status == 200
    return answers.items(answers.mapping(answers.json_of(answer.body)).get("data")) if good else []  # type: ignore[union-attr]


def listed(here: Here, heard: Heard) -> Listed:
    """Those of this connector; the token in an address is not compared."""
    answer = heard.get("integrations")
    if answer is None:
        return Listed(fault="no answer in time", step="try again", unreachable=True)
    if isinstance(answer, WireFault):
        return Listed(fault=answer.message, step="check base_url and the network", unreachable=True)
    if answer.status != 200:
        refusal = answers.not_done(answer, (), act=False)
        fault = _FORBIDDEN if answer.status == 403 else refusal.reason if refusal else "unreadable"
        return Listed(
            fault=fault, step=_ALLOW if answer.status == 403 else "", unreachable=answer.status >= 500
        )
    ours: list[Subscription] = []
    elsewhere: list[Subscription] = []
    for entry in _listed(answer):
        one = answers.text(entry.get("id"))
        read = heard.get(f"integration:{one}")
        body = answers.json_of(read.body) if isinstance(read, Response) and read.status == 200 else None
        data = answers.mapping(body, "data")
        url = urlsplit(answers.text(data.get("url")))
        address = f"{url.scheme}://{url.netloc}{url.path}".rstrip("/")
        off = "it is switched off" if data.get("enabled") is False else ""
        found = Subscription(id=one, address=address, off=off)
        if address == here.address.rstrip("/"):
            ours.append(found)
        elif url.path.rstrip("/").endswith(f"/connectors/{here.name}/webhook"):
            elsewhere.append(found)
    return Listed(ours=tuple(ours), elsewhere=tuple(elsewhere))


def lines(settings: Settings, here: Here, heard: Heard, name: str) -> list[Line]:
    """Whether what happens there is told here."""
    if not here.wanted:
        text = "Webhooks are not taken (enable_webhook: false): alerts are read back instead"
        return [Line(subject="webhook", state=State.UNKNOWN, text=text)]
    if not here.address:
        text = f"Webhook: TOCSIN_PUBLIC_URL is not set, so {name} has no address to call; alerts are read back instead"
        return [_failed(text, f"set TOCSIN_PUBLIC_URL and im connector webhook {here.name} --enable, or enable_webhook: false")]  # fmt: skip
    if not options.tokens(settings) and not options.secret_header(settings)[0]:
        return [
            _failed("Webhook: neither a token nor a secret header is set, so nothing that comes is believed", f"im connector webhook {here.name} --enable")
        ]  # fmt: skip
    found = (
        listed(here, heard)
        if not options.is_jsm(settings)
        else Listed(fault="its integrations cannot be asked")
    )
    on = [one for one in found.ours if not one.off]
    if on or here.heard_at is not None:
        return [Line(subject="webhook", state=State.OK, text="Webhook endpoint configured")]
    if found.ours:
        return [_failed(f"Webhook integration {found.ours[0].id}: {found.ours[0].off}", f"im connector webhook {here.name} --enable")]  # fmt: skip
    if not found.fault:
        other = found.elsewhere[0].id if found.elsewhere else ""
        text = (
            f"Webhook integration {other} points elsewhere"
            if other
            else f"Webhook: no integration points to {here.address}"
        )
        return [_failed(text, f"im connector webhook {here.name} --enable")]
    text = f"Webhook endpoint not proven: nothing has come by it yet, and {found.fault}"
    step = f"im canary {here.name}, then look again; im connector webhook {here.name} says how to set it up"
    return [Line(subject="webhook", state=State.WARNING, text=text, step=step)]


def subscribe(settings: Settings, here: Here, token: str) -> Call:
    """One for all alerts, with a token of our choice in its address."""
    body: dict[str, Json] = {
        "type": "Webhook",
        "name": f"Tocsin {here.name}",
        "enabled": True,
        "url": f"{here.address}?{urlencode({'token': token})}",
        "addAlertDescription": True,
        "addAlertDetails": True,
        "headers": {},
    }
    return Call(acts.request(settings, "POST", _PATH, body), "subscribe")


def made(answer: Response | WireFault, token: str) -> Made:
    """Its id; the token is the one we chose."""
    if isinstance(answer, Response) and answer.status == 403:
        return Made(fault=_FORBIDDEN, step=_ALLOW)
    if refusal := answers.not_done(answer, (token,), act=False):
        return Made(fault=refusal.reason, step="an integration of this name may be there already: delete it at Opsgenie")  # fmt: skip
    body = answers.json_of(answer.body) if isinstance(answer, Response) else None
    one = answers.text(answers.mapping(body, "data").get("id"))
    if not one:
        return Made(fault="Opsgenie made an integration, but its answer does not name it", step="look at Settings, Integrations there")  # fmt: skip
    return Made(id=one, setting=SETTING, secret=token)


def mend(settings: Settings, subscription: Subscription) -> list[Call]:
    path = f"{_PATH}/{quote(subscription.id, safe='')}/enable"
    return [Call(acts.request(settings, "POST", path), "enable")] if subscription.off else []


def unsubscribe(settings: Settings, subscription: str) -> Call:
    return Call(acts.request(settings, "DELETE", f"{_PATH}/{quote(subscription, safe='')}"), "unsubscribe")


def refused(answer: Response | WireFault) -> str:
    refusal = answers.not_done(answer, (), act=False)
    return refusal.reason if refusal else ""


def _failed(text: str, step: str) -> Line:
    return Line(subject="webhook", state=State.FAILED, text=text, step=step)
