"""Callers that keep lines open without saying anything cost themselves alone (TR-5)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from rig import Begin


async def test_headers_that_never_end_are_cut_off_and_alerts_come_in_meanwhile(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.daemon.HEADERS_SECONDS", 1)
    rig = await begin(webhooks=False)
    place = urlsplit(rig.daemon.url)
    lines = [await asyncio.open_connection(place.hostname, place.port) for _ in range(200)]
    for _, writer in lines:
        writer.write(b"POST /api/v1/alerts HTTP/1.1\r\nHost: hub\r\nX-Slow: ")
        await writer.drain()

    sent = await rig.alert(title="It burns", severity="critical", service_name="user-auth")
    async with asyncio.timeout(20):
        rest = [await reader.read() for reader, _ in lines]

    assert sent["incident"] == "INC-1"
    assert not any(answer.startswith(b"HTTP/1.1 2") for answer in rest)
    for _, writer in lines:
        writer.close()


async def test_what_breaks_out_of_a_header_is_refused(begin: Begin) -> None:
    """Response splitting, a header of two lines, two lengths: none of it reaches a header of ours."""
    rig = await begin(webhooks=False)
    place = urlsplit(rig.daemon.url)
    for request in (
        b"GET /i/INC-1%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n",
        b"POST /api/v1/alerts HTTP/1.1\r\nHost: hub\r\nContent-Length: 2\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{}",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n",
        b"GET /..%5c..%5cadmin-token HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n",
        b"GET /assets/../../admin-token HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()

        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"set-cookie" not in head.lower(), request
        assert b"root:" not in body, request
        assert b"tsn_" not in body, request
        assert not head.startswith(b"HTTP/1.1 5"), (request, head)
