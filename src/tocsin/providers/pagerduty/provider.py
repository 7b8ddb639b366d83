"""PagerDuty as a provider: which of its two APIs carries an effect, and where is each part?

With `api_key` the REST API v2 (`rest.py`), with `routing_key` alone the Events API v2 (`events.py`).
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
    Skipped,
    WireFault,
)
from tocsin.core.webhooks import Listed, Made, Subscription
from tocsin.providers.pagerduty import (
    checks,
    discovery,
    events,
    inspection,
    limits,
    mapped,
    oncall,
    options,
    reading,
    rest,
    subscribing,
    webhook,
)
from tocsin.providers.pagerduty import history as log_of
from tocsin.providers.pagerduty import (
    subscriptions as listing,
)


def check_settings(settings: Mapping[str, Json]) -> list[tuple[str, str]]:
    """(dotted field, what is wrong) for each fault; [] = usable."""
    return options.faults(settings)


def first_call(effect: Effect, connector: ConnectorSettings) -> Call | Skipped | Rejected:
    """What to send first for an effect."""
    if options.uses_events(connector.settings):
        return events.first_call(effect, connector.settings)
    return rest.first_call(effect, connector.settings)


def outcome_of(
    effect: Effect, connector: ConnectorSettings, step: str, answer: Response | WireFault
) -> Outcome:
    """What the answer to the call with that `step` meant; never raises."""
    if step == "enqueue":
        return events.outcome_of(effect, connector.settings, answer)
    return rest.outcome_of(effect, connector.settings, step, answer)


def verify_webhook(request: Request, connector: ConnectorSettings) -> Proof:
    """What the request proves, by the secrets in `webhook_secrets`."""
    return webhook.verify(request, connector.settings)


def read_webhook(request: Request) -> list[RemoteChange]:
    """The change in a delivery; raises Malformed."""
    return webhook.read(request)


def read_states(refs: list[RemoteRef], connector: ConnectorSettings) -> list[Call]:
    """Calls that read these incidents back; none over Events v2, which can read nothing."""
    return [] if options.uses_events(connector.settings) else reading.calls(refs, connector.settings)


def list_open(connector: ConnectorSettings) -> list[Call]:
    """One call: the hundred opened last at the services that are mapped."""
    return [] if options.uses_events(connector.settings) else reading.open_now(connector.settings)


def further(call: Call, answer: Response) -> list[Call]:
    """The next hundred."""
    return reading.further(call, answer)


def states_of(call: Call, answer: Response) -> list[RemoteState]:
    """What such an answer says. A state with status UNKNOWN and `notified` comes from the log alone."""
    return reading.states(call, answer)


def probe(connector: ConnectorSettings) -> Call:
    """A cheap proof of address and key."""
    if options.uses_events(connector.settings):
        return events.probe(connector.settings)
    return reading.probe(connector.settings)


def healthy(answer: Response | WireFault) -> str:
    """ "" when the probe's answer is good, else the fault in words with the next step."""
    return reading.health(answer)


def inspect(connector: ConnectorSettings) -> list[Call]:
    """Reads of the services that are mapped."""
    return inspection.calls(connector.settings)


def warnings_of(call: Call, answer: Response) -> list[str]:
    """Its timers, and whether it can page at all."""
    return inspection.warnings(call, answer)


def mappings(connector: ConnectorSettings) -> list[Call]:
    """Reads of the services and escalation policies that are mapped."""
    return mapped.calls(connector.settings)


def missing(call: Call, answer: Response) -> str:
    """What was deleted there."""
    return mapped.missing(call, answer)


def check_calls(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Call]:
    """Reads, and an update of no incidents."""
    return checks.calls(connector.settings, here, heard)


def check_lines(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Line]:
    """API, services, user, escalation policies, webhook."""
    return checks.lines(connector.settings, here, heard)


def subscription_calls(connector: ConnectorSettings, here: Here, heard: Heard) -> list[Call]:
    """The pages of the account's webhook subscriptions."""
    return listing.more(connector.settings, heard) if heard else [listing.page(connector.settings, 0)]


def subscriptions(connector: ConnectorSettings, here: Here, heard: Heard) -> Listed:
    """Those that go to this hub."""
    return listing.listed(connector.settings, here, heard)


def subscribe(connector: ConnectorSettings, here: Here, secret: str, scope: str) -> Call:
    """A subscription; PagerDuty chooses its secret."""
    return subscribing.subscribe(connector.settings, here, scope)


def subscribed(answer: Response | WireFault, secret: str) -> Made:
    """What came of that."""
    return subscribing.made(answer)


def mend(connector: ConnectorSettings, subscription: Subscription) -> list[Call]:
    """Switch it on, and have it send all that we read."""
    return subscribing.mend(connector.settings, subscription)


def unsubscribe(connector: ConnectorSettings, subscription: str) -> Call:
    """Take it away."""
    return subscribing.unsubscribe(connector.settings, subscription)


def ping(connector: ConnectorSettings, subscription: str) -> Call | None:
    """Have `pagey.ping` sent."""
    return subscribing.ping(connector.settings, subscription)


def refused(answer: Response | WireFault) -> str:
    """Why one of these was not done, "" = it was."""
    return subscribing.refused(answer)


def delivered_by(request: Request) -> str:
    """The subscription's id, which stands in a header."""
    return subscribing.sender(request)


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
    return discovery.found(connector.settings, heard)


def title_of(call: Call, answer: Response) -> str:
    """What people there call what is mapped."""
    return mapped.title_of(answer)
