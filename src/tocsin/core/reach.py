"""Which addresses does the hub never call, whatever a configuration says? (TR-5)

Addresses of the machine's own surroundings are no providers: behind link-local ones clouds hand out credentials to
whoever asks from the machine. Private networks are allowed: providers of one's own are there.
Sources (2026-11-30): AWS https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html (169.254.169.254,
fd00:ec2::254), Alibaba Cloud 100.100.100.200, Google metadata.google.internal.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
_ADDRESSES = frozenset(
    {ip_address("fd00:ec2::254"), ip_address("100.100.100.200"), ip_address("192.0.0.192")}
)
_NUMBERS = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}\Z")
_FOR = "an address that the hub never calls: machines get their credentials there"


def unreachable(host: str) -> str:
    """Why the hub never calls this host, a name or an address as written; "" when it may be called."""
    bare = host.strip("[]").rstrip(".").partition("%")[0].lower()
    if bare in _NAMES:
        return f"is {_FOR}"
    try:
        return _why(ip_address(bare))
    except ValueError:
        pass
    # 0xa9fea9fe, 2852039166 and 0251.0376.0251.0376 are read as addresses by what resolves names
    return "must be written as a name or as an ordinary address" if _NUMBERS.match(bare) else ""


def _why(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return _why(inner)
    if address.is_link_local or address in _ADDRESSES:
        return f"is {_FOR}"
    if address.is_unspecified or address.is_multicast or address == IPv4Address("255.255.255.255"):
        return "is the address of no one machine"
    return ""
