"""Which configurations may not take the place of which, and what is said of them (S51, S32)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kinds import PROVIDERS, SOURCES
from tocsin import policy as policies
from tocsin.core.policy import Policy
from tocsin.core.safety import Danger, Side, Stakes, Weighed, weigh

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

PD, OG, MAIL = "pd: {type: pagerduty, api_key: k}", "og: {type: opsgenie, api_key: k}", "mail: {type: email}"
AM = 'am: {source: webhook, key: "key-of-the-tests-0001"}'


def hub(
    *, connectors: str = f"{PD}, {MAIL}", routing: str = "", integrations: str = "", policies: str = "", resort: str = "mail",
    more: str = "",
) -> str:  # fmt: skip
    """A configuration as its file says it."""
    routing = f"routing: [{routing}]\n" if routing else ""
    return (
        f"defaults: {{last_resort: [{resort}]}}\nconnectors: {{{connectors}}}\nintegrations: {{{integrations}}}\n"
        f"escalation_policies: {{{policies}}}\n{routing}{more}"
    )


def side(text: str, version: int, tested: str) -> Side:
    found = policies.load(
        text, env={}, known_sources=SOURCES, known_providers=PROVIDERS, file_name="hub.yaml", version=version
    ).policy
    native = frozenset(name for name, c in found.connectors.items() if c.type == "email")
    return Side(policy=found, tested=frozenset(tested.split()), native=native, mails=bool(native))


def weighed(old: str | None, new: str, tested: str, stakes: Stakes) -> Weighed:
    before = Side(policy=Policy()) if old is None else side(old, 3, tested)
    return weigh(before, side(new, 4, tested), stakes, NOW)


USED = Stakes(last_used={"am": NOW - timedelta(minutes=12)})
LONG_AGO = Stakes(last_used={"am": NOW - timedelta(hours=24)})
OPEN = Stakes(open_at={"pd": ["INC-3", "INC-7"]})
MANY = Stakes(open_at={"pd": [f"INC-{n}" for n in range(1, 9)]})
NONE = Stakes()

D = Danger
STEPS = "everybody: [{all: [pd]}]"
ENDS = "everybody: [{all: [pd]}, {after: 5m, all: [mail]}]"
RULE = "{name: default, page: everybody}"

ROWS = [
    # ---- a removed integration
    pytest.param(hub(integrations=AM), hub(), "pd", USED, [(D.INTEGRATION, "integrations.am", "12 min ago")], id="an integration that was used twelve minutes ago is removed"),
    pytest.param(hub(integrations=AM), hub(), "pd", LONG_AGO, [], id="an integration that was not used for a day is removed"),
    pytest.param(hub(integrations=AM), hub(), "pd", NONE, [], id="an integration that was never used is removed"),
    pytest.param(hub(integrations=AM), hub(integrations=AM.replace("am:", "prom:")), "pd", USED, [], id="an integration is renamed and keeps its key"),
    pytest.param(hub(integrations=AM), hub(integrations=AM.replace("am:", "prom:").replace("0001", "0002")), "pd", USED, [(D.INTEGRATION, "integrations.am", "404")], id="an integration is renamed and gets another key"),
    # ---- a removed target
    pytest.param(hub(), hub(connectors=MAIL), "pd mail", OPEN, [(D.TARGET, "connectors.pd", "INC-3, INC-7 are open")], id="a connector with open incidents is removed"),
    pytest.param(hub(), hub(connectors=MAIL), "pd mail", MANY, [(D.TARGET, "connectors.pd", "INC-5 and 3 more are open")], id="a connector with many open incidents is removed"),
    pytest.param(hub(), hub(connectors=MAIL), "pd mail", NONE, [], id="a connector without open incidents is removed"),
    pytest.param(hub(), hub(connectors=f"{PD.replace('k}', 'k, sync_direction: inbound}')}, {MAIL}"), "pd mail", OPEN, [(D.TARGET, "connectors.pd", "becomes inbound")], id="a connector with open incidents becomes inbound"),
    pytest.param(hub(), hub(connectors=f"{PD.replace('pagerduty', 'opsgenie')}, {MAIL}"), "pd mail", OPEN, [(D.TARGET, "connectors.pd", "becomes opsgenie")], id="a connector with open incidents becomes another provider"),
    # ---- a page path that is not tested
    pytest.param(hub(), hub(connectors=f"{PD}, {OG}, {MAIL}"), "pd", NONE, [], id="an untested connector beside a tested one"),
    pytest.param(hub(resort=""), hub(connectors=f"{OG}, {MAIL}", resort=""), "pd", NONE, [(D.UNTESTED, "connectors", "critical, high, medium, low")], id="the tested connector is replaced by an untested one"),
    pytest.param(hub(), hub(connectors=f"{OG}, {MAIL}"), "pd mail", NONE, [], id="replaced, but the last resort is tested"),
    pytest.param(
        hub(policies=ENDS, routing=RULE),
        hub(connectors=f"{PD}, {OG}, {MAIL}", policies=f"{ENDS}, new: [{{all: [og]}}]", routing=f"{{name: worst, when: 'alert.severity == \"critical\"', page: new}}, {RULE}"),
        "pd", NONE, [(D.UNTESTED, "routing.0", "of critical alerts")], id="critical alone goes to an untested connector",
    ),
    pytest.param(
        hub(policies=ENDS, routing=RULE),
        hub(connectors=f"{PD}, {OG}, {MAIL}", policies=f"{ENDS}, new: [{{all: [og]}}]", routing=f"{{name: worst, when: 'alert.severity == \"critical\" && team == \"x\"', page: new}}, {RULE}", more="teams: {x: {}}"),
        "pd", NONE, [], id="some critical alerts go to an untested connector, the rest to a tested one",
    ),
    pytest.param(hub(), hub(more="services: {web: {}}"), "", NONE, [], id="nothing was tested before either"),
    pytest.param(None, hub(), "", NONE, [], id="the first configuration: nothing can be tested yet"),
    # ---- a default that does not page
    pytest.param(hub(), hub(connectors="", resort=""), "pd", NONE, [(D.SILENT, "connectors", "reaches nobody")], id="the last connector is removed"),
    pytest.param(hub(policies=ENDS, routing=RULE), hub(policies=ENDS, routing=f"{{name: hush, suppress: true}}, {RULE}"), "pd", NONE, [(D.SILENT, "routing.0", "every critical alert")], id="a rule before the default swallows everything"),
    pytest.param(hub(policies=ENDS, routing=RULE), hub(policies=ENDS, routing=f"{{name: mails, digest: {{to: [mail], every: 1h}}}}, {RULE}"), "pd", NONE, [(D.SILENT, "routing.0", "digest")], id="everything goes into a digest"),
    pytest.param(hub(policies=ENDS, routing=RULE), hub(policies=ENDS, routing=f"{{name: hush, when: 'alert.severity in [\"critical\", \"low\"]', suppress: true}}, {RULE}"), "pd", NONE, [(D.SILENT, "routing.0", "critical")], id="critical is swallowed"),
    pytest.param(hub(policies=ENDS, routing=RULE), hub(policies=ENDS, routing=f"{{name: hush, when: 'alert.severity == \"low\"', suppress: true}}, {RULE}"), "pd", NONE, [], id="low is suppressed, as it may be"),
    pytest.param(hub(policies=ENDS, routing=RULE), hub(connectors=MAIL, policies="everybody: [{all: [lead]}]", routing=RULE, resort="", more="teams: {x: {}}"), "mail", NONE, [(D.SILENT, "routing.0", "reaches nobody")], id="the default asks a lead that no team has"),
    pytest.param(hub(policies=ENDS, routing=RULE), hub(connectors=PD, policies="everybody: [{all: ['user:ada']}]", routing=RULE, resort="", more="users: {ada: {email: ada@example.com}}"), "pd", NONE, [(D.SILENT, "routing.0", "reaches nobody")], id="the default asks a person, but nothing mails"),
    pytest.param(hub(policies=ENDS, routing=RULE), hub(connectors=MAIL, policies="everybody: [{all: ['user:ada']}]", routing=RULE, resort="", more="users: {ada: {email: ada@example.com}}"), "mail", NONE, [], id="the default asks a person by mail"),
    pytest.param(None, hub(connectors=MAIL, policies="everybody: [{all: [lead]}]", routing=RULE, resort="", more="teams: {x: {}}"), "", NONE, [(D.SILENT, "routing.0", "reaches nobody")], id="the first configuration has a default that reaches nobody"),
    pytest.param(None, hub(connectors="", resort=""), "", NONE, [], id="the first configuration has no connector yet"),
    # ---- S32: critical ends in a native or last-resort step
    pytest.param(None, hub(policies=STEPS, routing=RULE, resort=""), "", NONE, [(D.NO_END, "escalation_policies.everybody", "S32")], id="critical ends at a provider"),
    pytest.param(None, hub(policies=ENDS, routing=RULE, resort=""), "", NONE, [], id="critical ends with a mail"),
    pytest.param(None, hub(policies=STEPS, routing=RULE), "", NONE, [], id="there is a last resort"),
    pytest.param(None, hub(policies="everybody: [{all: [pd]}, {after: 5m, all: ['user:ada']}]", routing=RULE, resort="", more="users: {ada: {email: ada@example.com}}"), "", NONE, [], id="critical ends with a person"),
    pytest.param(None, hub(policies=f"{STEPS}, calm: [{{all: [mail]}}]", routing="{name: low, when: 'alert.severity == \"low\"', page: everybody}, {name: default, page: calm}", resort=""), "", NONE, [], id="only low ends at a provider"),
    pytest.param(hub(policies=STEPS, routing=RULE, resort=""), hub(policies=STEPS, routing=RULE, resort="", more="services: {web: {}}"), "pd", NONE, [], id="critical ended at a provider before: told, not refused"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "tested", "stakes", "want"), ROWS)
def test_what_would_cost_pages_is_refused(
    old: str | None, new: str, tested: str, stakes: Stakes, want: list[tuple[Danger, str, str]]
) -> None:
    """S51, S32: each refusal names its place, what is at stake and what to do."""
    found = weighed(old, new, tested, stakes).refused

    without_routing = "routing:" not in new
    places = [
        ("connectors" if without_routing and f.field.startswith("routing.") else f.field) for f in found
    ]
    assert list(zip([f.danger for f in found], places, strict=True)) == [(d, place) for d, place, _ in want]
    for finding, (_, _, words) in zip(found, want, strict=True):
        assert words in finding.message
        assert finding.step


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param(None, hub(), "critical, high, medium, low alerts is tested: mail, pd", id="a first configuration"),
        pytest.param(hub(), hub(more="services: {web: {}}"), "send a test alert", id="nothing tested yet"),
        pytest.param(hub(policies=STEPS, routing=RULE, resort=""), hub(policies=STEPS, routing=RULE, resort="", more="teams: {x: {}}"), "(S32)", id="accepted before"),
        pytest.param(None, hub(connectors="", resort=""), "reaches nobody", id="no connector yet"),
    ],
)  # fmt: skip
def test_what_is_no_worse_than_before_is_told(old: str | None, new: str, words: str) -> None:
    """S51: who is refused each time learns to force each time."""
    found = weighed(old, new, "", NONE)

    assert found.refused == ()
    assert any(words in finding.sentence for finding in found.told)


def test_a_good_configuration_says_nothing() -> None:
    assert weighed(hub(integrations=AM), hub(integrations=AM, more="teams: {x: {}}"), "pd", USED) == Weighed()
