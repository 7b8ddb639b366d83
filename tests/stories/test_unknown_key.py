"""A sender of PagerDuty events whose routing key nobody has (S53)."""

import pytest

from rig import Begin

from .conftest import HUB

SENDERS = 'pagerduty-senders: {source: pagerduty_events, key: "${PD_IN_KEY}",'
PAUSED = "fedcba9876543210fedcba9876543210"
TAKES_ALL = HUB.replace(
    SENDERS,
    f'old-senders: {{source: pagerduty_events, key: "{PAUSED}", paused: true}}\n'
    f"  {SENDERS} options: {{takes_unknown_keys: true}},",
)


@pytest.mark.parametrize(
    ("config", "key", "status"),
    [
        pytest.param(TAKES_ALL, "0" * 32, 202, id="taken, as it is set"),
        pytest.param(TAKES_ALL, PAUSED, 400, id="the key of one that is paused is known"),
        pytest.param(HUB, "0" * 32, 400, id="refused, unless it is set"),
    ],
)
async def test_s53_a_key_nobody_has_is_taken_where_that_is_set(
    begin: Begin, config: str, key: str, status: int
) -> None:
    """Taken it pages: a sender with a mistyped key is not silent. That the key was unknown stands in the log."""
    assert TAKES_ALL != HUB
    rig = await begin(config=config)
    payload = {"summary": "Login is down", "source": "login", "severity": "critical"}
    event = {"routing_key": key, "event_action": "trigger", "payload": payload}
    await rig.call("POST", "/v2/enqueue", event, want=status)
    await rig.quiet()
    kept = await rig.daemon.hub.database.read(
        lambda c: c.fetch("SELECT integration, fault FROM raw_request WHERE source = 'pagerduty_events'")
    )
    opened = await rig.call("GET", "/api/v1/incidents", want=200)

    taken = status == 202
    unknown = ("pagerduty-senders", "'routing_key' belongs to no integration of this hub")
    assert [tuple(row) for row in kept] == [unknown] * taken
    assert [i["title"] for i in opened["items"]] == ["Login is down"] * taken
