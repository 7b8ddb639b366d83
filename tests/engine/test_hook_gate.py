"""Which webhooks are let in: by address, by encryption, by how many (PR-7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.core.bucket import Rate
from tocsin.core.errors import NotAllowed, Unavailable
from tocsin.core.policy import Connector
from tocsin.engine.hook_gate import UNPROVEN, HookGate, encrypted, let_in

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("allow", "address", "in_"),
    [
        pytest.param((), "198.51.100.7", True, id="nothing is said"),
        pytest.param(("203.0.113.0/24",), "203.0.113.9", True, id="inside"),
        pytest.param(("203.0.113.0/24", "198.51.100.7/32"), "198.51.100.7", True, id="one of several"),
        pytest.param(("203.0.113.0/24",), "::ffff:203.0.113.9", True, id="the same, written as IPv6"),
        pytest.param(("2001:db8::/32",), "2001:db8::1", True, id="IPv6"),
        pytest.param(("203.0.113.0/24",), "198.51.100.7", False, id="outside"),
        pytest.param(("203.0.113.0/24",), "", False, id="an address nobody knows"),
        pytest.param(("203.0.113.0/24",), "unix:", False, id="no address"),
    ],
)
def test_the_addresses(allow: tuple[str, ...], address: str, in_: bool) -> None:
    connector = Connector(name="pd", type="any", webhook_allow=allow)
    if in_:
        let_in(connector, address)
    else:
        with pytest.raises(NotAllowed):
            let_in(connector, address)


@pytest.mark.parametrize(
    ("scheme", "address", "safe"),
    [
        ("https", "198.51.100.7", True),
        ("http", "127.0.0.1", True),
        ("http", "::1", True),
        ("http", "198.51.100.7", False),
        ("http", "testclient", False),
    ],
)
def test_what_counts_as_encrypted(scheme: str, address: str, safe: bool) -> None:
    assert encrypted(scheme, address) is safe


def test_a_flood_is_asked_to_come_again_and_the_other_kind_is_not_kept_out() -> None:
    connector = Connector(name="pd", type="any", webhook_rate=Rate(60, 5))
    gate = HookGate()
    for _ in range(5):
        gate.count(connector, NOON, genuine=True)
    with pytest.raises(Unavailable) as refused:
        gate.count(connector, NOON, genuine=True)
    assert refused.value.retry_after_seconds == 1
    gate.count(connector, NOON + timedelta(seconds=1), genuine=True)

    for _ in range(int(UNPROVEN.burst)):
        gate.count(connector, NOON, genuine=False)
    with pytest.raises(Unavailable):
        gate.count(connector, NOON, genuine=False)
    gate.count(connector, NOON + timedelta(seconds=2), genuine=True)


def test_without_a_limit_all_come_in() -> None:
    connector, gate = Connector(name="pd", type="any", webhook_rate=Rate(0, 0)), HookGate()
    for _ in range(10_000):
        gate.count(connector, NOON, genuine=True)
