"""Which webhook subscriptions does the account have, and is ours among them?

`GET /webhook_subscriptions`: PagerDuty/api-schema@91a06fb; `temporarily_disabled` after three dropped deliveries:
https://developer.pagerduty.com/docs/webhooks-overview (2026-11-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from tocsin.core.checks import Heard, Here, Line, State
from tocsin.core.model import Json
from tocsin.core.ports import Call, Response, WireFault
from tocsin.core.webhooks import Listed, Subscription
from tocsin.providers.pagerduty import answers, options, webhook
from tocsin.providers.pagerduty.calls import request
from tocsin.providers.pagerduty.options import Settings

PAGE, MOST_PAGES = 100, 5
EVENTS = tuple(
    sorted({*webhook.KINDS, *(one for one in webhook.OTHERS if one.startswith("incident."))} - {"pagey.ping"})
)
"""What a subscription of ours sends: all that becomes a change here, and what is told in the timeline besides."""

_ENABLE = "im connector webhook {name} --enable"


def page(settings: Settings, offset: int) -> Call:
    query = f"limit={PAGE}&offset={offset}"
    return Call(
        request(settings, "GET", "/webhook_subscriptions", query=query), f"subscriptions:{offset}", reads=True
    )


def more(settings: Settings, heard: Heard) -> list[Call]:
    """The page after the last that was heard, while there is one."""
    offsets = [int(step.partition(":")[2]) for step in heard if step.startswith("subscriptions:")]
    last = max(offsets, default=-1)
    answer = heard.get(f"subscriptions:{last}")
    if not isinstance(answer, Response) or answer.status != 200 or len(offsets) >= MOST_PAGES:
        return []
    body = answers.mapping(answers.json_of(answer.body))
    return [page(settings, last + PAGE)] if body.get("more") is True else []


def listed(settings: Settings, here: Here, heard: Heard) -> Listed:
    """Those of this connector."""
    pages = {step: answer for step, answer in heard.items() if step.startswith("subscriptions:")}
    ours: list[Subscription] = []
    elsewhere: list[Subscription] = []
    if "subscriptions:0" not in pages:
        return Listed(fault="no answer in time", step="try again", unreachable=True)
    for answer in pages.values():
        body = answers.json_of(answer.body) if isinstance(answer, Response) and answer.status == 200 else None
        if not isinstance(body, dict) or not isinstance(body.get("webhook_subscriptions"), list):
            return _unread(answer)
        for entry in answers.items(body["webhook_subscriptions"]):
            found = _subscription(entry)
            if found.address.rstrip("/") == here.address.rstrip("/"):
                ours.append(found)
            elif urlsplit(found.address).path.rstrip("/").endswith(f"/connectors/{here.name}/webhook"):
                elsewhere.append(found)
    return Listed(ours=tuple(ours), elsewhere=tuple(elsewhere))


def _unread(answer: Response | WireFault) -> Listed:
    if isinstance(answer, WireFault):
        return Listed(fault=answer.message, step="check base_url and the network", unreachable=True)
    if answer.status == 403:
        return Listed(
            fault="the API key may not read webhook subscriptions (403)",
            step="use an account key with full access, or one of an Admin or Manager",
        )
    refusal = answers.not_done(answer, (), act=False)
    return Listed(
        fault=refusal.reason if refusal else "the answer is unreadable", step="try again in a minute",
        unreachable=answer.status >= 500,
    )  # fmt: skip


def _subscription(entry: Mapping[str, Json]) -> Subscription:
    method = answers.mapping(entry, "delivery_method")
    sent = entry.get("events")
    events = {one for one in sent if isinstance(one, str)} if isinstance(sent, list) else set()
    paused = True in (entry.get("temporarily_disabled"), method.get("temporarily_disabled"))
    off = (
        "PagerDuty switched it off for a day, after three deliveries that were refused"
        if paused
        else "it is switched off"
        if entry.get("active") is False
        else ""
    )
    return Subscription(
        id=answers.text(entry.get("id")), address=answers.text(method.get("url")), off=off,
        lacks=tuple(one for one in EVENTS if one not in events),
    )  # fmt: skip


def lines(settings: Settings, here: Here, heard: Heard, known: bool) -> list[Line]:
    """Whether PagerDuty can tell us what happens there."""
    if not here.wanted:
        text = "Webhooks are not taken (enable_webhook: false): incidents are read back instead"
        return [Line(subject="webhook", state=State.UNKNOWN, text=text)]
    if not here.address:
        return [
            _failed(
                "Webhook: TOCSIN_PUBLIC_URL is not set, so PagerDuty has no address to call; incidents are read back instead",
                f"set TOCSIN_PUBLIC_URL and {_ENABLE.format(name=here.name)}, or enable_webhook: false",
            )
        ]
    if not known:
        return [
            Line(
                subject="webhook",
                state=State.UNKNOWN,
                text="Webhook endpoint not checked: no answer to go by",
            )
        ]
    found = listed(settings, here, heard)
    enable = _ENABLE.format(name=here.name)
    if found.fault:
        line = _failed(f"Webhook: {found.fault}", found.step)
        return [
            Line(
                subject="webhook",
                state=State.FAILED,
                text=line.text,
                step=line.step,
                unreachable=found.unreachable,
            )
        ]
    if not found.ours:
        return [_nowhere(found, here, enable)]
    on = [one for one in found.ours if not one.off]
    if not on:
        return [_failed(f"Webhook subscription {found.ours[0].id}: {found.ours[0].off}", enable)]
    if not options.webhook_secrets(settings):
        text = f"Webhook subscription {on[0].id} is there, but its secret is not known here: nothing it sends is believed"
        return [_failed(text, f"{enable} makes it anew and keeps its secret")]
    told = [Line(subject="webhook", state=State.OK, text="Webhook endpoint configured")]
    needed = [event for event in on[0].lacks if event in webhook.KINDS]
    if needed:
        text = f"Webhook subscription {on[0].id} does not send {', '.join(needed)}"
        told.append(Line(subject="events", state=State.WARNING, text=text, step=enable))
    if len(on) > 1:
        text = f"{len(on)} webhook subscriptions go to this hub: each change comes {len(on)} times, which is harmless"
        told.append(Line(subject="events", state=State.WARNING, text=text, step=f"delete all but {on[0].id}"))
    return told


def _nowhere(found: Listed, here: Here, enable: str) -> Line:
    if found.elsewhere:
        host = urlsplit(found.elsewhere[0].address).netloc.rpartition("@")[2]
        text = (
            f"Webhook subscription {found.elsewhere[0].id} points elsewhere: to {host}, not to {here.address}"
        )
        return _failed(text, f"{enable}, and delete {found.elsewhere[0].id} at PagerDuty")
    return _failed(f"Webhook: no subscription at PagerDuty points to {here.address}", enable)


def _failed(text: str, step: str) -> Line:
    return Line(subject="webhook", state=State.FAILED, text=text, step=step)
