"""What the hub never calls (TR-5): where machines get their credentials, however it is written."""

from __future__ import annotations

import pytest

from tocsin.core.reach import unreachable


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "169.254.170.2", "[fe80::1%eth0]", "fd00:ec2::254", "::ffff:169.254.169.254", "[::ffff:a9fe:a9fe]",
        "2002:a9fe:a9fe::", "100.100.100.200", "metadata.google.internal", "METADATA.google.internal.", "0.0.0.0", "::", "224.0.0.1",
        "255.255.255.255", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518",
    ],
)  # fmt: skip
def test_never(host: str) -> None:
    assert unreachable(host)


@pytest.mark.parametrize(
    "host",
    [
        "api.pagerduty.com",
        "127.0.0.1",
        "::1",
        "localhost",
        "10.1.2.3",
        "192.168.0.9",
        "fd12::1",
        "pd.internal",
        "1x.example",
    ],
)
def test_everything_else_may_be_called(host: str) -> None:
    assert unreachable(host) == ""
