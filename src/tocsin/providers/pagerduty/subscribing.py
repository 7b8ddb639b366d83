"""How is a webhook subscription made, mended, tried and taken away at PagerDuty?

PagerDuty/api-schema@91a06fb (2026-11-20): `POST /webhook_subscriptions` answers with the secret, this once; a delivery
method cannot be changed later, so another secret is another subscription. `POST …/{id}/ping` sends `pagey.ping`,
`POST …/{id}/enable` ends a temporary switching off.
"""

from __future__ import annotations

from urllib.parse import quote

from tocsin.core.checks import Here
from tocsin.core.model import Json
from tocsin.core.ports import Call, Request, Response, WireFault
from tocsin.core.webhooks import Made, Subscription
from tocsin.providers.pagerduty import answers
from tocsin.providers.pagerduty.calls import request
from tocsin.providers.pagerduty.options import Settings
from tocsin.providers.pagerduty.subscriptions import EVENTS

_PATH = "/webhook_subscriptions"


def subscribe(settings: Settings, here: Here, scope: str) -> Call:
    """One for the account, or for one service."""
    chosen: dict[str, Json] = {"type": "account_reference"}
    if scope:
        chosen = {"type": "service_reference", "id": scope}
    body: dict[str, Json] = {
        "type": "webhook_subscription",
        "delivery_method": {"type": "http_delivery_method", "url": here.address, "custom_headers": []},
        "description": f"Tocsin, connector {here.name}",
        "events": list(EVENTS),
        "filter": chosen,
        "active": True,
    }
    return Call(request(settings, "POST", _PATH, {"webhook_subscription": body}), "subscribe")


def made(answer: Response | WireFault) -> Made:
    """Its id and its secret."""
    if refusal := answers.not_done(answer, (), act=False):
        status = answer.status if isinstance(answer, Response) else 0
        step = "try again"
        if status == 403:
            step = "use an account key with full access, or --service ID with a Manager's key"
        if status == 400:
            step = "is the address https, and reachable from outside? check TOCSIN_PUBLIC_URL"
        return Made(fault=refusal.reason, step=step)
    body = answers.json_of(answer.body) if isinstance(answer, Response) else None
    entry = answers.mapping(body, "webhook_subscription")
    secret = answers.text(answers.mapping(entry, "delivery_method").get("secret"))
    found = answers.text(entry.get("id"))
    if not found or not secret:
        return Made(
            fault="PagerDuty made a subscription, but its answer holds no secret",
            step="delete it at PagerDuty (Integrations, Generic Webhooks) and try again",
        )
    return Made(id=found, setting="webhook_secrets", secret=secret)


def mend(settings: Settings, subscription: Subscription) -> list[Call]:
    """Enabled first, so that what happens meanwhile is sent."""
    path = f"{_PATH}/{quote(subscription.id, safe='')}"
    calls = [Call(request(settings, "POST", f"{path}/enable"), "enable")] if subscription.off else []
    if subscription.lacks or subscription.off:
        body: Json = {"webhook_subscription": {"events": list(EVENTS), "active": True}}
        calls.append(Call(request(settings, "PUT", path, body), "events"))
    return calls


def unsubscribe(settings: Settings, subscription: str) -> Call:
    return Call(request(settings, "DELETE", f"{_PATH}/{quote(subscription, safe='')}"), "unsubscribe")


def ping(settings: Settings, subscription: str) -> Call:
    return Call(request(settings, "POST", f"{_PATH}/{quote(subscription, safe='')}/ping"), "ping")


def refused(answer: Response | WireFault) -> str:
    """A subscription that is gone already is taken away."""
    if isinstance(answer, Response) and answer.status == 404:
        return "the subscription is not at PagerDuty any more (404)"
    refusal = answers.not_done(answer, (), act=False)
    return refusal.reason if refusal else ""


def sender(delivery: Request) -> str:
    """Seen in captured deliveries, not documented: the subscription's id."""
    return answers.text(delivery.headers.get("x-webhook-subscription"))
