"""Does the client ask what the API documents, and read its answers, its refusals and its silences rightly?"""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from tocsin import client as c


def test_an_incident_is_typed_and_keeps_the_json_as_it_came(hub: Any) -> None:
    with c.Client(hub.url, "tsn_x") as api:
        found = api.incident("INC-7")
    assert (found.name, found.severity, found.recurrence_of) == ("INC-7", "critical", "")
    assert found.opened_at == datetime(2026, 11, 20, 2, 14, 7, 120000, tzinfo=UTC)
    assert found.providers[0].remote_id == "Q1ABC"
    assert found.raw["recurrence_of"] is None
    assert hub.seen[0].headers["authorization"] == "Bearer tsn_x"


def test_a_newer_servers_fields_stay_in_raw(hub: Any) -> None:
    hub.answer("GET", "/api/v1/whoami", {"name": "Ada", "shoe_size": 41})
    assert c.Client(hub.url).whoami().raw == {"name": "Ada", "shoe_size": 41}


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        pytest.param(
            lambda a: a.acknowledge("INC-7", "on it"), "POST", "acknowledge", {"note": "on it"}, id="ack"
        ),
        pytest.param(
            lambda a: a.snooze("INC-7", length=timedelta(hours=2), note="later"),
            "POST",
            "snooze",
            {"for": "7200000", "note": "later"},
            id="snooze for so long",
        ),
        pytest.param(
            lambda a: a.snooze("INC-7", until=datetime(2026, 11, 20, 9, tzinfo=UTC)),
            "POST",
            "snooze",
            {"until": "2026-11-20T09:00:00+00:00"},
            id="snooze until then",
        ),
        pytest.param(lambda a: a.resolve("INC-7"), "POST", "resolve", {}, id="resolve without a note"),
        pytest.param(lambda a: a.close_incident("INC-7"), "POST", "close", {}, id="close"),
        pytest.param(lambda a: a.reopen("INC-7", "back"), "POST", "reopen", {"note": "back"}, id="reopen"),
        pytest.param(lambda a: a.note("INC-7", "hm"), "POST", "notes", {"text": "hm"}, id="note"),
    ],
)
def test_an_act_is_posted_to_its_own_address(hub: Any, call: Any, method: str, path: str, body: Any) -> None:
    with c.Client(hub.url) as api:
        assert call(api).name == "INC-7"
    assert [one.body for one in hub.of(method, f"/api/v1/incidents/INC-7/{path}")] == [body]


@pytest.mark.parametrize("told", [{"changed": False}, {}], ids=["in the body", "in a header"])
def test_an_act_done_before_says_so(hub: Any, told: dict[str, bool]) -> None:
    headers = {} if told else {"Changed": "false"}
    hub.answer("POST", "/api/v1/incidents/INC-7/acknowledge", {"name": "INC-7", **told}, headers=headers)
    assert c.Client(hub.url).acknowledge("INC-7").changed is False


def test_one_connection_carries_many_requests(hub: Any) -> None:
    ports: set[int] = set()
    with c.Client(hub.url) as api:
        for _ in range(3):
            api.incident("INC-7")
            kept = api._transport._kept
            assert kept is not None
            ports.add(kept.sock.getsockname()[1])
    assert len(ports) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, c.BadInput), (422, c.BadInput), (401, c.NotAllowed), (403, c.NotAllowed), (404, c.NotFound),
        (409, c.Conflict), (429, c.ServerFault), (500, c.ServerFault), (503, c.ServerFault), (418, c.Problem),
    ],
)  # fmt: skip
def test_each_refusal_is_its_own_exception_with_its_words(
    hub: Any, status: int, kind: type[Exception]
) -> None:
    faults = [{"field": "labels.env", "message": "must be text", "line": 3}]
    hub.refuse("GET", "/api/v1/whoami", status, "what happened", code="word", faults=faults, hint="do this")
    with pytest.raises(kind) as caught:
        c.Client(hub.url).whoami()
    problem = caught.value
    assert isinstance(problem, c.Problem)
    assert (problem.status, str(problem), problem.code, problem.hint) == (
        status,
        "what happened",
        "word",
        "do this",
    )
    assert (problem.faults[0].field, problem.faults[0].line) == ("labels.env", 3)


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b"[1]"], ids=["html", "nothing", "a list"])
def test_a_refusal_without_a_problem_document_names_the_call(hub: Any, body: bytes) -> None:
    hub.answer("GET", "/api/v1/whoami", body, 502)
    with pytest.raises(c.ServerFault, match="GET /api/v1/whoami was answered 502"):
        c.Client(hub.url).whoami()


@pytest.mark.parametrize(
    "body", [b"hello", b"[]", b'{"name": {}}'], ids=["no JSON", "a list", "a wrong type"]
)
def test_an_answer_of_another_shape_is_told(hub: Any, body: bytes) -> None:
    hub.answer("GET", "/api/v1/whoami", body)
    with pytest.raises(c.UnexpectedAnswer):
        c.Client(hub.url).whoami()


def test_nobody_listening_is_unreachable_and_certainly_unsent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(c.Unreachable, match="nothing listens") as caught:
        c.Client(f"http://127.0.0.1:{port}").whoami()
    assert caught.value.sent is False


def test_a_server_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(c.TimedOut, match=r"0\.1 s"):
        c.Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1).whoami()


def test_a_connection_that_breaks_off_is_unreachable_and_may_have_been_sent() -> None:
    """However often it is tried."""
    with Rude(breaks_off=9) as rude, pytest.raises(c.Unreachable) as caught:
        c.Client(rude.url).send({"title": "t"})
    assert caught.value.sent is True


class Rude:
    """A server that hangs up on its first callers when they have spoken, or says that they are too early."""

    def __init__(self, *, breaks_off: int = 0, under_way: int = 0) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.heard: list[str] = []
        self.breaks_off, self.under_way = breaks_off, under_way
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                said = peer.recv(65536).decode()
                self.heard += [
                    value for name, _, value in (line.partition(": ") for line in said.split("\r\n"))
                    if name == "Idempotency-Key"
                ]  # fmt: skip
                self.breaks_off -= 1
                if self.breaks_off >= 0:
                    continue
                self.under_way -= 1
                body = b'{"code": "key_in_use"}' if self.under_way >= 0 else b'{"name": "INC-7"}'
                status = "409 Conflict" if self.under_way >= 0 else "200 OK"
                head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
                peer.sendall(head.encode() + body)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"breaks_off": 1}, id="the connection broke off"),
        pytest.param({"under_way": 2}, id="the first one is still under way"),
        pytest.param({"breaks_off": 1, "under_way": 1}, id="both"),
    ],
)
def test_a_write_is_sent_again_under_its_key(trouble: dict[str, int]) -> None:
    """Nobody knows whether it arrived; under one key it is carried out once."""
    with Rude(**trouble) as rude:
        assert c.Client(rude.url).acknowledge("INC-7").name == "INC-7"
    assert len(rude.heard) == 1 + sum(trouble.values())
    assert len(set(rude.heard)) == 1


def test_each_write_has_a_key_of_its_own_and_a_look_has_none(hub: Any) -> None:
    with c.Client(hub.url) as api:
        api.acknowledge("INC-7")
        api.acknowledge("INC-7")
        api.create_token("cron", ["intake"])
        api.incident("INC-7")
    first, second, third, look = (one.headers.get("idempotency-key") for one in hub.seen)
    assert len({first, second, third}) == 3
    assert look is None


def test_a_get_survives_a_kept_connection_that_died(hub: Any) -> None:
    with c.Client(hub.url) as api:
        api.whoami()
        kept = api._transport._kept
        assert kept is not None
        kept.sock.shutdown(socket.SHUT_RDWR)
        assert api.whoami().name == "Ada"


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http:///path"])
def test_an_impossible_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        c.Client(url)


def test_a_prefix_in_the_address_is_kept_and_names_are_escaped(hub: Any) -> None:
    hub.answer("GET", "/hub/api/v1/connectors/a%2Fb%20c", {"name": "a/b c"})
    assert c.Client(f"{hub.url}/hub/").connector("a/b c").name == "a/b c"


def test_not_ready_is_an_answer(hub: Any) -> None:
    found = c.Client(hub.url).ready()
    assert found.ready is False
    assert found.checks["database"] is True


def test_the_stream_gives_events_and_skips_pings(hub: Any) -> None:
    hub.events = [
        b": ping\n\n",
        b'id: 4\nevent: timeline\ndata: {"id": 9,\ndata: "incident": "INC-7"}\n\n',
        b"event: reset\ndata:\n\n",
    ]
    got = list(c.Client(hub.url).stream(last_event_id="3"))
    assert got == [
        c.StreamEvent("4", "timeline", {"id": 9, "incident": "INC-7"}),
        c.StreamEvent("4", "reset", None),
    ]
    assert hub.seen[-1].headers["last-event-id"] == "3"


def test_a_refused_stream_is_a_problem(hub: Any) -> None:
    hub.refuse("GET", "/api/v1/stream", 401, "no token")
    with pytest.raises(c.NotAllowed, match="no token"):
        c.Client(hub.url).stream()


def test_the_idempotency_key_travels_with_alerts(hub: Any) -> None:
    api = c.Client(hub.url)
    api.send({"title": "t"}, wait=True, key="k-1")
    api.send_batch([{"title": "a"}, {"title": "b"}], key="k-2")
    one, many = hub.seen
    assert (one.query, one.headers["idempotency-key"]) == ({"wait": "decision"}, "k-1")
    assert (many.body, many.headers["idempotency-key"]) == ([{"title": "a"}, {"title": "b"}], "k-2")


def test_an_alert_tells_every_key_that_it_is_counted_under(hub: Any) -> None:
    """One that others joined by title has several; a list of alerts has none."""
    keys = [{"key": "a", "joined_at": "2026-11-20T02:14:07Z", "over_at": None}]
    hub.answer("GET", "/api/v1/alerts/a-1", {"id": "a-1", "keys": keys})
    (key,) = c.Client(hub.url).alert("a-1").keys
    assert (key.key, key.over_at) == ("a", None)
    assert key.joined_at == datetime(2026, 11, 20, 2, 14, 7, tzinfo=UTC)
