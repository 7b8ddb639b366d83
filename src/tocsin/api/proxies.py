"""Who is really calling, when a proxy stands in front of the hub?

What X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239) say is believed from the addresses of
TOCSIN_TRUSTED_PROXIES alone: everybody else could write anything into them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tocsin.api.intake import App, Receive, Scope, Send

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\](:\d{1,5})?|[A-Za-z0-9._-]{1,255}(:\d{1,5})?")
_PAIR = re.compile(r'\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s";,]*)\s*')
_MOST_HOPS = 50


def networks(text: str) -> tuple[Network, ...]:
    """The networks in a comma list of addresses and networks; ValueError names what is none."""
    found: list[Network] = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError as fault:
            raise ValueError(
                f"TOCSIN_TRUSTED_PROXIES: {word!r} is no address and no network ({fault}); "
                "write the addresses of your proxies like 127.0.0.1, 10.0.0.0/8, fd00::/8"
            ) from None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says of its caller; "" where it says nothing."""

    caller: str = ""
    proto: str = ""
    host: str = ""


class Trusting:
    """Around the application: requests of trusted proxies are seen as their callers sent them."""

    def __init__(self, app: App, trusted: Sequence[Network]) -> None:
        self._app, self._trusted = app, tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (peer := scope.get("client")) and self._trusts(address_of(peer[0])):
            _seen(scope, peer[0], self._trusts)
        await self._app(scope, receive, send)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def address_of(text: str) -> Address | None:
    """The address in "203.0.113.9", "203.0.113.9:4711", "[2001:db8::1]:4711" or "2001:db8::1"; None for "unknown",
    "_hidden" and whatever else."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _seen(scope: Scope, peer: str, trusts: Any) -> None:
    """Client, scheme and host of the scope as the first proxy that is not ours to trust, or the caller, gave them."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    hops = _hops(headers)
    caller, last = peer, Hop()
    for hop in reversed(hops[-_MOST_HOPS:]):
        address = address_of(hop.caller) if hop.caller else None
        last = hop
        if address is None:
            break  # what stands before it was written by nobody we know
        caller = str(address)
        if not trusts(address):
            break
    if caller != peer:
        scope["client"] = (caller, 0)
    if last.proto in ("http", "https"):
        scope["scheme"] = last.proto
    if _HOST.fullmatch(last.host):
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        scope["headers"] = [*others, (b"host", last.host.encode())]


def _hops(headers: dict[str, list[str]]) -> list[Hop]:
    """What the proxies say, the one next to us last. Two ways of saying it that differ are not believed: one of
    them was passed through as the caller wrote it."""
    common, standard = _common(headers), _standard(headers)
    if not common or not standard:
        return common or standard
    same = [address_of(h.caller) for h in common] == [address_of(h.caller) for h in standard]
    return (
        [Hop(c.caller, c.proto or s.proto, c.host or s.host) for c, s in zip(common, standard, strict=True)]
        if same
        else []
    )


def _common(headers: dict[str, list[str]]) -> list[Hop]:
    """X-Forwarded-For; -Proto and -Host belong to the same hop where they count as many, else to the last."""
    callers, protos, hosts = (_listed(headers, f"x-forwarded-{name}") for name in ("for", "proto", "host"))
    count = max(len(callers), 1 if protos or hosts else 0)
    return [
        Hop(_at(callers, n, count), _at(protos, n, count).lower(), _at(hosts, n, count)) for n in range(count)
    ]


def _listed(headers: dict[str, list[str]], name: str) -> list[str]:
    return [word.strip() for word in ",".join(headers.get(name, [])).split(",") if word.strip()]


def _at(words: list[str], n: int, count: int) -> str:
    if len(words) == count:
        return words[n]
    return words[-1] if words else ""


def _standard(headers: dict[str, list[str]]) -> list[Hop]:
    """Forwarded, as RFC 7239 section 4 writes it; nothing when it is written otherwise."""
    hops: list[Hop] = []
    for element in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', ",".join(headers.get("forwarded", []))):
        said: dict[str, str] = {}
        for pair in filter(str.strip, re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', element)):
            read = _PAIR.fullmatch(pair)
            if read is None:
                return []
            value = read[2]
            said[read[1].lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        if said:
            hops.append(Hop(said.get("for", ""), said.get("proto", "").lower(), said.get("host", "")))
    return hops
