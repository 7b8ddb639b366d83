"""May this webhook in? By the address it comes from, by encryption, and by how many come (PR-7).

What is refused is refused with 503 where it may be genuine: providers come again after that, and after a few answers of
the kind 4xx they switch a subscription off (S45).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address, ip_network

from tocsin.core.bucket import Rate, seconds_until_one, tokens_now
from tocsin.core.errors import NotAllowed, Unavailable
from tocsin.core.policy import Connector

UNPROVEN = Rate(120, 60)
"""Deliveries a minute of one connector that prove nothing or the wrong thing; more are not looked at further."""


def let_in(connector: Connector, remote_address: str) -> None:
    """Raises NotAllowed for an address that is in none of the connector's networks; without networks all may."""
    if not connector.webhook_allow:
        return
    try:
        address = ip_address(remote_address)
    except ValueError:
        address = None
    address = getattr(address, "ipv4_mapped", None) or address
    if address is None or not any(address in ip_network(one) for one in connector.webhook_allow):
        raise NotAllowed(
            f"Webhooks of {connector.name} are not taken from {remote_address or 'an unknown address'}",
            hint="webhook_allow lists where they may come from; behind a proxy TOCSIN_TRUSTED_PROXIES must name it",
        )


def encrypted(scheme: str, remote_address: str) -> bool:
    """True when a request came over https, or did not leave this machine."""
    try:
        return scheme == "https" or not remote_address or ip_address(remote_address).is_loopback
    except ValueError:
        return scheme == "https"


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


@dataclass(slots=True)
class HookGate:
    """How many came of late, on this node. A connector's own rate is for what is genuine; what is not has its own, so
    that nobody without the secret can keep genuine ones out."""

    _buckets: dict[tuple[str, bool], _Bucket] = field(default_factory=dict)

    def count(self, connector: Connector, now: datetime, *, genuine: bool) -> None:
        """Raises Unavailable when there were too many: the sender is to come again."""
        rate = connector.webhook_rate if genuine else UNPROVEN
        if not rate.per_minute:
            return
        held = self._buckets.setdefault((connector.name, genuine), _Bucket(rate.burst, now))
        tokens = tokens_now(rate, held.tokens, held.at, now)
        if tokens < 1:
            raise Unavailable(
                f"Too many webhooks of {connector.name} at once; nothing was kept, send it again",
                retry_after_seconds=max(1, round(seconds_until_one(rate, tokens))),
            )
        held.tokens, held.at = tokens - 1, now
