"""What can be known of a connector that pages by Events v2?"""

from __future__ import annotations

from tocsin.core.checks import Heard, Line, State
from tocsin.core.ports import Call, Response
from tocsin.providers.pagerduty import events
from tocsin.providers.pagerduty.faults import fault
from tocsin.providers.pagerduty.options import Settings


def calls(settings: Settings, heard: Heard) -> list[Call]:
    """A resolve of a key nobody has, which is dropped there."""
    return [] if heard else [Call(events.probe(settings).send, "api", reads=True)]


def lines(heard: Heard) -> list[Line]:
    """Address and form of the key; Events v2 tells no more."""
    answer = heard.get("api")
    if isinstance(answer, Response) and answer.status == 202:
        api = Line(subject="api", state=State.OK, text="Connected to PagerDuty Events API")
    elif isinstance(answer, Response) and answer.status == 400:
        api = Line(
            subject="api", state=State.FAILED, text="PagerDuty refuses the routing key (400): it has not the form of one",
            step="copy the Integration Key of an Events API v2 integration: 32 characters",
        )  # fmt: skip
    else:
        api = fault("api", "PagerDuty Events API", answer)
    return [
        api,
        Line(
            subject="key", state=State.UNKNOWN, text="Routing key not checked: PagerDuty tells nobody whether one exists",
            step='see it arrive: im declare --sev SEV-4 --title "Tocsin is being tested"',
        ),
        Line(
            subject="webhook", state=State.WARNING, text="Events v2 says nothing back: no acknowledgement there is learned here",
            step="give api_key in place of routing_key",
        ),
    ]  # fmt: skip
