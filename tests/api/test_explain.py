"""Why an alert went where it went, and what would have stopped it (RO-9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Office

QUIET = """
routing:
  - {name: all is quiet, when: "true", suppress: {review: 30d}}
  - {name: default, page: standard}
escalation_policies: {standard: [{all: [mail]}]}
connectors: {mail: {type: email, custom: {smtp_url: "smtp://127.0.0.1:2525", from: a@example.com, to: [b@example.com]}}}
"""


async def explain(office: Office, **question: Any) -> Any:
    answer = await office.ask("POST", "/api/v1/explain", question, scope="read")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("alert", "at", "expected"),
    [
        pytest.param(
            {"title": "x", "severity": "critical", "service_name": "payment-service"}, None,
            {"route": "page", "rule": "the worst go everywhere", "policy": "everywhere", "severity": "critical"}, id="the worst",
        ),
        pytest.param(
            {"title": "x", "severity": "medium", "service_name": "payment-service"}, "2026-11-16T10:00:00+01:00",
            {"route": "page", "rule": "payments by day", "policy": "payments-day", "severity": "high"}, id="lifted, at the start of the day",
        ),
        pytest.param(
            {"title": "x", "severity": "medium", "service_name": "payment-service"}, "2026-11-16T18:00:00+01:00",
            {"route": "page", "rule": "payments by night", "policy": "payments-night"}, id="at the end of the day",
        ),
        pytest.param(
            {"title": "x", "severity": "low", "service_name": "web"}, None,
            {"route": "digest", "rule": "the quiet ones", "policy": ""}, id="a quiet one",
        ),
        pytest.param(
            {"title": "x", "severity": "critical", "service_name": "web", "labels": {"env": "dev"}}, None,
            {"route": "suppress", "rule": "development is quiet"}, id="from development",
        ),
    ],
)  # fmt: skip
async def test_an_imagined_alert_is_decided_at_the_time_asked_for(
    office: Office, alert: Any, at: str | None, expected: dict[str, str]
) -> None:
    told = await explain(office, alert=alert, **({"at": at} if at else {}))

    assert {name: told[name] for name in expected} == expected
    assert told["config_version"] == 1
    assert told["reasons"]
    assert (await office.get("/api/v1/alerts"))["items"] == []


async def test_it_names_what_was_not_taken_and_what_would_have_stopped_the_page(office: Office) -> None:
    told = await explain(office, alert={"title": "x", "severity": "high", "service_name": "web"})

    assert (told["rule"], [step["targets"] for step in told["steps"]]) == (
        "default",
        [["prod-pagerduty", "prod-opsgenie", "ops-mail"]],
    )
    assert told["steps"][0]["within"] == "3s"
    not_taken = {one["rule"]: one["why"] for one in told["not_taken"]}
    assert 'alert.labels.env == "dev" does not hold' in not_taken["development is quiet"]
    stopped = "\n".join(told["would_have_stopped"])
    assert "severity medium instead of high: rule “the quiet ones” would have put it into a digest" in stopped
    assert "rule “development is quiet”, which comes first and would have suppressed it" in stopped


async def test_what_the_senders_own_word_keeps_quiet_pages_nobody(office: Office) -> None:
    quiet = {"title": "x", "severity": "info", "team": "security"}
    told = await explain(office, alert=quiet)
    sent = await office.alert(**quiet)
    recorded = await explain(office, alert_id=sent["alert_id"])

    assert (told["rule"], told["route"]) == ("security goes everywhere", "suppress")
    assert told["muted_by"] == "the sender's own word for it means: not paged"
    for name in ("rule", "route", "muted_by", "would_have_stopped"):
        assert recorded[name] == told[name] == recorded["now"][name]
    assert (recorded["incident"], told["would_have_stopped"]) == (None, [])


async def test_nothing_would_have_stopped_what_does_not_page(office: Office) -> None:
    told = await explain(office, alert={"title": "x", "severity": "low", "service_name": "web"})

    assert told["would_have_stopped"] == []


async def test_what_was_recorded_stays_true_whatever_was_applied_since(office: Office) -> None:
    sent = await office.alert(title="pool exhausted", source="database", service_name="payment-service")
    applied = await office.ask("POST", "/api/v1/config?force=true", {"text": QUIET})
    assert applied.json()["version"] == 2
    for question in ({"alert_id": sent["alert_id"]}, {"incident": "INC-1"}):
        told = await explain(office, **question)

        assert (told["route"], told["rule"], told["config_version"]) == ("page", "the worst go everywhere", 1)
        assert (told["recorded"]["rule"], told["incident"]) == ("the worst go everywhere", "INC-1")
        assert [step["targets"] for step in told["steps"]] == [["prod-pagerduty", "prod-opsgenie"], ["lead"]]
        assert "security goes everywhere" in {one["rule"] for one in told["not_taken"]}
        assert any("database outage" in reason for reason in told["reasons"])
        assert (told["now"]["route"], told["now"]["rule"], told["now"]["config_version"]) == ("suppress", "all is quiet", 2)  # fmt: skip


async def test_a_declared_incident_is_explained_by_itself(office: Office) -> None:
    await office.incident(title="by hand", severity="SEV-1", services=["payment-service"])
    told = await explain(office, incident="INC-1")

    assert (told["rule"], told["severity"], told["recorded"]) == ("the worst go everywhere", "critical", None)


@pytest.mark.parametrize(
    "question", [{"incident": "INC-9"}, {"alert_id": "0190c0de-0000-7000-8000-000000000000"}]
)
async def test_what_never_came_cannot_be_explained(office: Office, question: dict[str, str]) -> None:
    assert (await office.ask("POST", "/api/v1/explain", question)).status_code == 404


async def test_when_and_every_rule_that_did_not_speak_are_told(office: Office) -> None:
    told = await explain(office, alert={"title": "x", "severity": "high", "service_name": "payment-service"})

    assert told["timing"][0] == "at once: no rule delays it"
    assert {"classification", "routing"} <= {one["kind"] for one in told["not_taken"]}
    assert any(line.startswith("a silence that covers it") for line in told["would_have_stopped"])
    assert told["would_page_if"] == []
    assert told["would_page"] is None


async def test_a_quiet_one_tells_whom_it_would_page_and_what_would_make_it_page(office: Office) -> None:
    told = await explain(office, alert={"title": "x", "severity": "low", "service_name": "web"})

    assert told["would_page"]["rule"] == "default"
    assert told["would_page"]["targets"] == ["prod-pagerduty", "prod-opsgenie", "ops-mail"]
    assert any(line.startswith("severity high instead of low") for line in told["would_page_if"])


async def test_an_imagined_alert_meets_the_silences_there_are_at_its_time(office: Office) -> None:
    silence = {
        "match": {"service": "web"}, "starts_at": "2026-11-20T01:00:00Z", "ends_at": "2026-11-20T04:00:00Z", "owner": "ada",
        "comment": "new disks", "name": "disks",
    }  # fmt: skip
    made = await office.ask("POST", "/api/v1/silences", silence)
    assert made.status_code == 201, made.text
    alert = {"title": "x", "severity": "high", "service_name": "web"}
    during = await explain(office, alert=alert, at="2026-11-20T03:00:00+01:00")
    after = await explain(office, alert=alert, at="2026-11-20T04:00:00Z")

    assert (during["route"], during["muted_until"]) == ("suppress", "2026-11-20T04:00:00Z")
    assert "silence" in during["muted_by"]
    assert any("from Fri 20 Nov 04:00 UTC" in line for line in during["would_page_if"])
    assert after["route"] == "page"
    assert {"kind": "mute", "rule": "silence “disks”", "why": "it is not its time"} in after["not_taken"]
