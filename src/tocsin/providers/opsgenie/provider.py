"""Opsgenie, and JSM Operations, as a provider: where is each part of the conversation with it?

`options.py` reads the settings, `acts.py` writes and judges, `webhook.py` reads the way back. The type jsm
speaks the same dialect at another address and is read by another API (`cloud.py`). Opsgenie's API ends on 2027-04-05 (https://support.atlassian.com/opsgenie/docs/, 2026-11-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tocsin.core.allowance import Allowance
from tocsin.core.checks import Found, Heard, Here, Line
from tocsin.core.history import Entry
from tocsin.core.model import Json
from tocsin.core.oncall import Question, Roster, Told, Unknown
from tocsin.core.ports import (
    Call,
    ConnectorSettings,
    Effect,
    Outcome,
    Proof,
    Rejected,
    RemoteChange,
    RemoteRef,
    RemoteState,
    Request,
    Response,
    Retry,
    Skipped,
    WireFault,
)
from tocsin.core.values import replace
from tocsin.core.webhooks import Listed, Made, Subscription
from tocsin.providers.opsgenie import (
    acts,
    alerts,
    answers,
    checks,
    cloud,
    discovery,
    integrations,
    limits,
    mapped,
    oncall,
    options,
    webhook,
)
from tocsin.providers.opsgenie import history as log_of

BATCH = 20  # aliases in one search: the address stays under 4 KB


def check_settings(settings: Mapping[str, Json]) -> list[tuple[str, str]]:
    """(dotted field, what is wrong) for each fault; [] = usable."""
    return options.faults(settings)


def first_call(effect: Effect, connector: ConnectorSettings) -> Call | Skipped | Rejected:
    """What to send first for an effect."""
    return acts.first_call(effect, connector.settings)


def outcome_of(
    effect: Effect, connector: ConnectorSettings, step: str, answer: Response | WireFault
) -> Outcome:
    """What the answer to the call with that `step` meant; never raises."""
    outcome = acts.outcome_of(effect, connector.settings, step, answer)
    if options.is_jsm(connector.settings) and isinstance(outcome, Retry | Rejected | Skipped):
        return replace(outcome, reason=outcome.reason.replace("Opsgenie", "JSM Operations"))
    return outcome


def verify_webhook(request: Request, connector: ConnectorSettings) -> Proof:
    """What the request proves, by `webhook_token` or `webhook_header`."""
    return webhook.verify(request, connector.settings)


def read_webhook(request: Request) -> list[RemoteChange]:
    """The change in a delivery; raises Malformed."""
    return webhook.read(request)


def read_states(refs: list[RemoteRef], connector: ConnectorSettings) -> list[Call]:
    """One read for one alert, else one search for each BATCH aliases; alerts known by id alone one by one."""
    settings = connector.settings
    if options.is_jsm(settings):
        return cloud.calls(refs, settings)
    keys = [ref.key for ref in refs if ref.key] if len(refs) > 1 else []
    single = [ref for ref in refs if ref.key not in keys]
    return [
        *[
            Call(acts.request(settings, "GET", acts.path_of(ref.remote_id, ref.key)), "state", reads=True)
            for ref in single
        ],
        *[acts.search(settings, keys[at : at + BATCH], "states") for at in range(0, len(keys), BATCH)],
    ]


def states_of(call: Call, answer: Response) -> list[RemoteState]:
    """What such an answer says, one state for each alias: its open alert, else its latest."""
    body = answers.json_of(answer.body) if 200 <= answer.status < 300 else None
    data = (
        cloud.alerts_in(call, body) if call.step.startswith(cloud.STEP) else answers.mapping(body).get("data")
    )
    by_alias: dict[str, list[Mapping[str, Json]]] = {}
    for alert in answers.items(data) or [answers.mapping(data)]:
        if alert_id := answers.text(alert.get("id")):
            by_alias.setdefault(answers.text(alert.get("alias")) or alert_id, []).append(alert)
    return [alerts.state(alerts.newest(same)) for same in by_alias.values()]


def probe(connector: ConnectorSettings) -> Call:
    """A list of one alert: proves address, key and the right to read. JSM's events API has no list: the
    state of a request nobody made proves address and key."""
    if options.is_jsm(connector.settings):
        return cloud.probe(connector.settings)
    return Call(acts.request(connector.settings, "GET", "/v2/alerts?limit=1"), "probe", reads=True)


def healthy(answer: Response | WireFault) -> str:
    """ "" when the probe's answer is good, else the fault in words with the next step."""
    body = answers.json_of(answer.body) if isinstance(answer, Response) else None
    if isinstance(answer, Response) and cloud.proves(answer):
        return ""
    if refusal := answers.not_done(answer, (), act=False):
        return refusal.reason
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        return ""
    return "the answer is not Opsgenie's: check base_url and any proxy between"


def mappings(connector: ConnectorSettings) -> list[Call]:
    """Reads of the responders that are mapped; none for JSM."""
    return mapped.calls(connector.settings)


def missing(call: Call, answer: Response) -> str:
    """Who was deleted there."""
    return mapped.missing(call, answer)


def check_calls(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Call]:
    """Reads, and a create that is refused before it is one."""
    return checks.calls(connector.settings, here, heard)


def check_lines(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Line]:
    """Key and its rights, who is paged, the way back."""
    return checks.lines(connector.settings, here, heard)


def subscription_calls(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Call]:
    """The webhook integrations."""
    return integrations.calls(connector.settings, heard)


def subscriptions(connector: ConnectorSettings, here: Here, heard: Heard) -> Listed:
    """Those that go to this hub."""
    return integrations.listed(here, heard)


def subscribe(connector: ConnectorSettings, here: Here, secret: str, scope: str) -> Call:
    """A webhook integration for all alerts."""
    return integrations.subscribe(connector.settings, here, secret)


def subscribed(answer: Response | WireFault, secret: str) -> Made:
    """What came of that."""
    return integrations.made(answer, secret)


def mend(connector: ConnectorSettings, subscription: Subscription) -> list[Call]:
    """Switch it on."""
    return integrations.mend(connector.settings, subscription)


def unsubscribe(connector: ConnectorSettings, subscription: str) -> Call:
    """Take it away."""
    return integrations.unsubscribe(connector.settings, subscription)


def ping(connector: ConnectorSettings, subscription: str) -> Call | None:
    """Opsgenie sends no test delivery."""
    return None


def refused(answer: Response | WireFault) -> str:
    """Why one of these was not done, "" = it was."""
    return integrations.refused(answer)


def delivered_by(request: Request) -> str:
    """The integration's id, which stands in the body."""
    return answers.text(answers.mapping(answers.json_of(request.body)).get("integrationId"))


def on_call_place(service: str, connector: ConnectorSettings) -> str:
    """What a service is mapped to there; "" = nobody."""
    return oncall.place(service, connector.settings)


def on_call(question: Question, told: Told, connector: ConnectorSettings) -> list[Call] | Roster | Unknown:
    """The reads still to be made, or the roster."""
    return oncall.ask(question, told, connector.settings)


def allowance(answer: Response) -> Allowance | None:
    """What the answer says of the rate limit."""
    return limits.allowance(answer)


def history(
    start: datetime, end: datetime, told: Told, connector: ConnectorSettings
) -> list[Call] | list[Entry] | Unknown:
    """Its own log of that time, page by page."""
    return log_of.ask(start, end, told, connector.settings)


def discover_calls(connector: ConnectorSettings, heard: Heard) -> list[Call]:
    """Lists of what may be paged there."""
    return discovery.calls(connector.settings, heard)


def discovered(connector: ConnectorSettings, heard: Heard) -> Found:
    """What they say."""
    return discovery.found(heard)


def title_of(call: Call, answer: Response) -> str:
    """What people there call what is mapped."""
    return mapped.title_of(answer)
