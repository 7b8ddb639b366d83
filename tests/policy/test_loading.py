"""Does a whole configuration load, leave its credentials behind and come back the same?"""

import json
import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from kinds import PROVIDERS, SOURCES
from tocsin import policy
from tocsin.core.kinds import ProviderFacts
from tocsin.core.policy import Direction, Mode, Policy, RouteKind, Target, TargetKind
from tocsin.core.severity import Severity
from tocsin.policy import Loaded

Load = Callable[..., Loaded]


def test_the_example_loads_as_it_is(load: Load, example: str) -> None:
    loaded = load(example, version=7)
    assert loaded.warnings == ()
    found = loaded.policy
    assert found.version == 7
    assert [rule.name for rule in found.routing][-2:] == ["the quiet ones", "default"]
    assert found.routing[-1].default
    assert not any(rule.default for rule in found.routing[:-1])
    assert found.defaults.last_resort == ("ops-mail",)
    assert found.defaults.ack_timeout == {
        Severity.CRITICAL: timedelta(hours=1),
        Severity.HIGH: timedelta(hours=4),
    }
    first = found.policies["payments-day"].steps[0]
    assert (first.mode, first.within, first.hedge) == (
        Mode.FAILOVER,
        timedelta(seconds=3),
        timedelta(seconds=30),
    )
    assert found.policies["database-lead"].steps[1].targets == (Target(TargetKind.USER, "di"),)
    pagerduty = found.connectors["prod-pagerduty"]
    assert (pagerduty.direction, pagerduty.sync_interval) == (Direction.BIDIRECTIONAL, timedelta(minutes=2))
    assert pagerduty.settings["custom"]["auto_resolve"] is True
    assert found.integrations["anything"].auto_resolve_from == "last_event"
    assert found.integrations["opsgenie-senders"].key_scope == "account"
    digest = found.routing[-2]
    assert (digest.kind, digest.digest_to, digest.digest_every) == (
        RouteKind.DIGEST,
        ("ops-mail",),
        timedelta(hours=1),
    )
    assert digest.promote is not None
    assert (digest.promote.count, digest.promote.age) == (50, timedelta(days=1))


def test_s12_the_scope_of_keys_is_its_sources_or_as_it_is_written(load: Load, example: str) -> None:
    """S12: an alias of Opsgenie's dialect is account-wide, every other key is its integration's."""
    written = example.replace("key_scope: account", "").replace(
        "  anything:\n", "  anything:\n    key_scope: account\n"
    )
    scopes = {name: it.key_scope for name, it in load(written).policy.integrations.items()}
    assert scopes == {
        "prometheus": "integration", "pagerduty-senders": "integration", "opsgenie-senders": "account", "anything": "account",
    }  # fmt: skip


def test_a_rule_knows_its_line(load: Load, example: str) -> None:
    lines = example.splitlines()
    for rule in (*load(example).policy.routing, *load(example).policy.classification):
        assert rule.name in lines[rule.line - 1], rule


def test_holidays_are_those_of_the_region(load: Load, example: str) -> None:
    teams = load(example).policy.teams
    assert date(2026, 3, 8) in teams["payments"].holidays  # women's day: Berlin alone
    assert date(2026, 11, 26) in teams["security"].holidays  # Thanksgiving
    assert date(2026, 8, 31) in teams["infrastructure"].holidays  # summer bank holiday
    assert date(2026, 11, 26) not in teams["payments"].holidays


def test_own_days_are_added_and_removed(load: Load) -> None:
    """S34: holidays by region or an own calendar, with additions and removals."""
    text = "teams: {ops: {holidays: {calendar: DE-BE, add: [2026-12-24], remove: [2026-12-25]}}}"
    team = load(text).policy.teams["ops"]
    assert date(2026, 12, 24) in team.holidays
    assert date(2026, 12, 25) not in team.holidays
    assert team.holiday_region == "DE-BE"


def test_no_credential_stays_in_what_is_stored(load: Load, example: str) -> None:
    loaded = load(example)
    stored = json.dumps(loaded.document)
    for value in loaded.secrets.values():
        assert value not in stored
        assert value not in repr(loaded)
    assert loaded.secrets["connectors.prod-pagerduty.api_key"] == "pd-secret-value"
    assert loaded.document["connectors"]["prod-pagerduty"]["api_key"] == {
        "$secret": "connectors.prod-pagerduty.api_key"
    }
    entry = loaded.document["integrations"]["prometheus"]
    assert entry["key"] == {"$secret": "integrations.prometheus.key"}
    assert entry["key_hash"] == loaded.policy.integrations["prometheus"].key_hash


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        pytest.param('webhook_secrets: ["hush-hush"]', "webhook_secrets.0", id="a list of webhook secrets"),
        pytest.param("webhook_token: hush-hush", "webhook_token", id="a webhook token"),
        pytest.param(
            'custom: {smtp_url: "smtp://me:hush-hush@mail"}', "custom.smtp_url", id="a mail password"
        ),
        pytest.param("custom: {password: hush-hush}", "custom.password", id="a password below custom"),
    ],
)
def test_every_kind_of_credential_is_taken_out(load: Load, setting: str, name: str) -> None:
    loaded = load(f"connectors: {{mail: {{type: email, {setting}}}}}")
    assert "hush-hush" not in json.dumps(loaded.document)
    assert "hush-hush" in loaded.secrets[f"connectors.mail.{name}"]
    assert "hush-hush" not in str(loaded.policy.connectors["mail"])


def test_a_stored_version_is_the_same_policy(load: Load, example: str) -> None:
    loaded = load(example, version=3)
    stored = json.loads(json.dumps(loaded.document, sort_keys=True))
    again = policy.compile_document(stored, version=3, known_sources=SOURCES, known_providers=PROVIDERS)
    for name in ("defaults", "teams", "users", "services", "policies", "connectors", "integrations"):
        assert getattr(again, name) == getattr(loaded.policy, name), name
    assert _rules(again) == _rules(loaded.policy)
    assert [service.name for service in again.catalog or ()] == ["database", "web"]
    assert policy.document_hash(stored) == loaded.hash


def test_a_rotated_key_needs_no_new_version(load: Load, example: str) -> None:
    document = load(example).document
    again = policy.compile_document(
        document, version=3, known_sources=SOURCES, known_providers=PROVIDERS, key_hashes={"prometheus": "ff"}
    )
    assert again.integrations["prometheus"].key_hash == "ff"


def test_a_stored_version_outlives_the_folder_of_its_provider(load: Load) -> None:
    loaded = load("connectors: {old: {type: pager9000}}", known_providers={"pager9000": ProviderFacts()})
    again = policy.compile_document(
        loaded.document, version=1, known_sources=SOURCES, known_providers=PROVIDERS
    )
    assert again.connectors["old"].type == "pager9000"


def test_the_hash_tells_two_policies_apart(load: Load, example: str) -> None:
    first = load(example)
    assert load(example + "\n# a comment\n").hash == first.hash
    assert load(example.replace("reopen: 30m", "reopen: 31m")).hash != first.hash


def test_the_example_is_quick_to_load(load: Load, example: str) -> None:
    load(example)
    start = time.process_time()
    load(example)
    assert time.process_time() - start < 0.3


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "{}", "routing: []", "teams:"])
def test_an_empty_file_pages_nobody_and_says_so(load: Load, text: str) -> None:
    loaded = load(text)
    assert loaded.policy.routing[-1].default
    assert loaded.policy.policies["default"].steps == ()
    assert "Nothing can be paged" in loaded.warnings[0]


MAIL = "connectors: {m: {type: email, custom: {smtp_url: 'smtp://127.0.0.1:25', from: a@example.com, to: [b@example.com]}}}"
PAGER = "connectors: {m: {type: opsgenie, base_url: 'http://127.0.0.1:1', api_key: '${OPSGENIE_API_KEY}'}}"


@pytest.mark.parametrize(
    ("connectors", "rule", "told"),
    [
        pytest.param(PAGER, "suppress: {review: 30d}", True, id="nobody is mailed: nothing is collected"),
        pytest.param(MAIL, "suppress: {review: 30d}", False, id="it goes to who mails people"),
        pytest.param(PAGER, "suppress: true", False, id="no review is asked for"),
    ],
)
def test_a_review_that_nobody_would_get_is_told(load: Load, connectors: str, rule: str, told: bool) -> None:
    """Whoever wrote the rule believes that what it keeps quiet is looked at (ADR 0025)."""
    routing = f"routing: [{{name: noise, when: 'alert.title == \"x\"', {rule}}}, {{name: default, page: standard}}]\nescalation_policies: {{standard: [{{all: [m]}}]}}"
    warned = [text for text in load(f"{connectors}\n{routing}").warnings if '"noise"' in text]
    assert bool(warned) == told
    assert all("no connector mails people" in text for text in warned)


def test_s24_how_long_is_silent_is_a_setting(load: Load) -> None:
    assert load("").policy.defaults.silent_after == timedelta(hours=24)
    assert load("defaults: {silent_after: 2d}").policy.defaults.silent_after == timedelta(hours=48)


def test_without_routing_every_connector_is_asked_last_resort_last(load: Load) -> None:
    found = load(
        "defaults: {last_resort: [mail]}\n"
        "connectors:\n"
        "  mail: {type: email}\n"
        "  zeta: {type: opsgenie, api_key: k}\n"
        "  alpha: {type: pagerduty, api_key: k}\n"
        "  seen: {type: jsm, api_key: k, sync_direction: inbound}\n"
    )
    again = policy.compile_document(
        json.loads(json.dumps(found.document, sort_keys=True)),
        version=1,
        known_sources=SOURCES,
        known_providers=PROVIDERS,
    )
    for each in (found.policy, again):
        (step,) = each.policies["default"].steps
        assert step.mode is Mode.FAILOVER
        assert [target.name for target in step.targets] == ["zeta", "alpha", "mail"]


def test_switches_of_a_type_hold_for_its_connectors(load: Load) -> None:
    text = (
        "connectors:\n  pagerduty: {debug: true}\n"
        "  one: {type: pagerduty, api_key: k}\n  two: {type: pagerduty, api_key: k, debug: false}\n"
        "  other: {type: jsm, api_key: k}\n"
    )
    found = load(text).policy.connectors
    assert {name: connector.debug for name, connector in found.items()} == {
        "one": True,
        "two": False,
        "other": False,
    }


def test_both_is_every_pagerduty_and_opsgenie(load: Load) -> None:
    """S4: and every JSM one; never one that only listens."""
    text = (
        "connectors: {p: {type: pagerduty, api_key: k}, o: {type: opsgenie, api_key: k}, m: {type: email},"
        " i: {type: jsm, api_key: k, sync_direction: inbound}}\n"
        "services: {a: {providers: both}, b: {providers: [m]}, c: {providers: [jsm, p]}}\n"
    ).replace(", c: {providers: [jsm, p]}", ", c: {providers: [email, p]}")
    services = load(text).policy.services
    assert services["a"].providers == ("p", "o")
    assert services["b"].providers == ("m",)
    assert services["c"].providers == ("m", "p")


def test_a_step_written_in_place(load: Load) -> None:
    text = (
        "connectors: {p: {type: pagerduty, api_key: k}}\n"
        "users: {ada: {}}\n"
        "routing:\n  - {name: default, page: [{all: [p]}, {after: 5m, all: ['user:ada']}]}\n"
    )
    found = load(text).policy
    steps = found.policies[found.routing[0].policy].steps
    assert [step.targets[0].shown for step in steps] == ["p", "user:ada"]


def test_anchors_merge_and_variables(load: Load) -> None:
    text = (
        "teams:\n  a: &hours {timezone: '${ZONE}', business_hours: 'mon-fri 09:00-17:00'}\n"
        "  b: {<<: *hours, business_hours: 'sat 10:00-12:00'}\n  c: *hours\n"
        "users: {no: {name: 'costs $${5}'}}\n"
    )
    found = load(text, env={"ZONE": "Asia/Tokyo"}).policy
    assert found.teams["b"].timezone == "Asia/Tokyo"
    assert found.teams["b"].business_hours != found.teams["a"].business_hours
    assert found.teams["c"].business_hours == found.teams["a"].business_hours
    assert found.users["no"].name == "costs ${5}"


def _rules(found: Policy) -> list[tuple[object, ...]]:
    routing = [
        (rule.name, rule.when.text, rule.kind, rule.policy, rule.delay, rule.promote, rule.continues)
        for rule in found.routing
    ]
    classification = [
        (rule.name, rule.when.text, tuple(pattern.text for pattern in rule.patterns), rule.set_severity)
        for rule in found.classification
    ]
    return [*routing, *classification, *sorted((name, fact.text) for name, fact in found.facts)]
