"""Is an alert kept while the server is away, and delivered afterwards: all, in order, once?"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli import spool as spooling

ALERTS = "/api/v1/alerts"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tocsin" / "spool"


def waiting(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.json"))


def test_away_then_back_in_order_with_their_first_keys(run: Any, hub: Any, folder: Path) -> None:
    from fake_hub import FakeServer, Hub, filled

    gone = Hub()
    server = FakeServer(gone)
    server.stop()
    for n in (1, 2, 3):
        ran = run("send", "--title", f"alert {n}", "--key", f"k{n}", IM_URL=gone.url)
        assert ran.code == 0
        assert "Not sent" in ran.err
        assert "The alert waits in" in ran.err
        assert ran.out == ""
    assert len(waiting(folder)) == 3
    keys = [json.loads((folder / name).read_text())["key"] for name in waiting(folder)]

    back = FakeServer(filled(gone), gone.port)
    try:
        ran = run("send", "--title", "alert 4", IM_URL=gone.url)
    finally:
        back.stop()
    assert ran.code == 0
    assert "Sent first what had waited (3)." in ran.err
    sent = gone.of("POST", ALERTS)
    assert [one.body["title"] for one in sent] == ["alert 1", "alert 2", "alert 3", "alert 4"]
    assert [one.headers["idempotency-key"] for one in sent][:3] == keys
    assert sent[0].body["details"] == {"spooled_at": "2026-11-20T02:20:00.000Z"}
    assert waiting(folder) == []


def test_only_its_owner_can_read_it(run: Any, folder: Path) -> None:
    run("send", "--title", "t", IM_URL="http://127.0.0.1:1")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.json")] == [0o600]


def test_after_a_timeout_it_is_sent_unchanged_under_the_same_key(run: Any, hub: Any, folder: Path) -> None:
    answers = iter([504, 202])
    hub.call("POST", ALERTS, lambda seen: (next(answers), {"alert_id": "a"}))
    assert run("send", "--title", "t", IM_URL=hub.url).code == 0
    assert run("send", "--flush", IM_URL=hub.url).code == 0
    first, second = hub.of("POST", ALERTS)
    assert (first.body, first.headers["idempotency-key"]) == (second.body, second.headers["idempotency-key"])


def test_a_batch_waits_as_one_and_goes_as_one(run: Any, hub: Any, folder: Path) -> None:
    hub.refuse("POST", f"{ALERTS}/batch", 503, "the queue is full")
    two = '{"title": "a"}\n{"title": "b"}\n'
    ran = run("send", "-f", "-", stdin=two, IM_URL=hub.url)
    assert (ran.code, len(waiting(folder))) == (0, 1)
    assert "The 2 alerts wait" in ran.err
    hub.call("POST", f"{ALERTS}/batch", lambda seen: (202, {"items": []}))
    assert run("send", "--flush", IM_URL=hub.url).code == 0
    assert [one["title"] for one in hub.of("POST", f"{ALERTS}/batch")[-1].body] == ["a", "b"]
    assert waiting(folder) == []


def test_still_away_keeps_the_new_one_behind_the_old(run: Any, hub: Any, folder: Path) -> None:
    hub.refuse("POST", ALERTS, 503, "busy")
    run("send", "--title", "first", IM_URL=hub.url)
    run("send", "--title", "second", IM_URL=hub.url)
    assert [one.body["title"] for one in hub.of("POST", ALERTS)] == ["first", "first"]
    titles = [json.loads((folder / name).read_text())["alerts"][0]["title"] for name in waiting(folder)]
    assert titles == ["first", "second"]


def test_what_the_server_will_never_take_is_put_aside(run: Any, hub: Any, folder: Path) -> None:
    hub.refuse("POST", ALERTS, 503, "busy")
    run("send", "--title", "bad", IM_URL=hub.url)

    def answer(seen: Any) -> tuple[int, Any]:
        return (422, {"detail": "no"}) if seen.body["title"] == "bad" else (202, {"alert_id": "a"})

    hub.call("POST", ALERTS, answer)
    ran = run("send", "--title", "good", IM_URL=hub.url)
    assert ran.code == 0
    assert "will not take 'bad'" in ran.err
    assert waiting(folder) == []
    assert len(list((folder / "rejected").iterdir())) == 1


def test_one_over_which_the_server_stumbles_holds_up_nobody(run: Any, hub: Any, folder: Path) -> None:
    hub.refuse("POST", ALERTS, 503, "busy")
    for title in ("poison", "good"):
        run("send", "--title", title, IM_URL=hub.url)

    def answer(seen: Any) -> tuple[int, Any]:
        return (500, {"detail": "oh"}) if seen.body["title"] == "poison" else (202, {"alert_id": "a"})

    hub.call("POST", ALERTS, answer)
    hub.seen.clear()
    assert run("send", "--title", "new", IM_URL=hub.url).code == 0
    assert [one.body["title"] for one in hub.of("POST", ALERTS)] == ["poison", "good", "new"]
    assert len(waiting(folder)) == 1


def test_what_waits_for_one_server_is_not_given_to_another(run: Any, hub: Any, folder: Path) -> None:
    run("send", "--title", "for the other", IM_URL="http://127.0.0.1:1")
    assert run("send", "--title", "mine", IM_URL=hub.url).code == 0
    assert [one.body["title"] for one in hub.of("POST", ALERTS)] == ["mine"]
    assert len(waiting(folder)) == 1


@pytest.mark.parametrize(("status", "code"), [(422, 1), (401, 4), (403, 4)])
def test_a_refusal_is_told_and_not_kept(run: Any, hub: Any, folder: Path, status: int, code: int) -> None:
    hub.refuse("POST", ALERTS, status, "no")
    assert run("send", "--title", "t", IM_URL=hub.url).code == code
    assert waiting(folder) == []


def test_no_spool_fails_instead(run: Any, folder: Path) -> None:
    assert run("send", "--title", "t", "--no-spool", IM_URL="http://127.0.0.1:1").code == 6
    assert waiting(folder) == []


def test_neither_sent_nor_kept_is_a_failure(run: Any, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    ran = run("send", "--title", "t", IM_URL="http://127.0.0.1:1")
    assert ran.code == 6
    assert "could not be kept" in ran.err


def test_a_spool_that_cannot_be_used_keeps_no_alert_from_being_sent(
    run: Any, hub: Any, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    ran = run("send", "--title", "t", IM_URL=hub.url)
    assert ran.code == 0
    assert "cannot be used" in ran.err
    assert len(hub.of("POST", ALERTS)) == 1


def test_a_full_spool_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "MAX_ENTRIES", 1)
    spool = spooling.Spool(tmp_path / "spool")
    with spool.locked():
        spool.keep([{"title": "a"}], url="u", key="k", spooled_at="t")
        with pytest.raises(spooling.SpoolFull):
            spool.keep([{"title": "b"}], url="u", key="k2", spooled_at="t")
    assert spool.count() == 1


def test_a_torn_file_is_put_aside(tmp_path: Path) -> None:
    spool = spooling.Spool(tmp_path)
    (tmp_path / "000000000001.json").write_text('{"url": "u", ')
    assert spool.waiting("u") == []
    assert (tmp_path / "rejected").is_dir()


def test_wait_prints_the_decision(run: Any, hub: Any) -> None:
    decided = {
        "alert_id": "a-1",
        "status": "open",
        "incident": "INC-7",
        "severity": "high",
        "route": "page",
        "reasons": ["because"],
    }
    hub.answer("POST", ALERTS, decided)
    ran = run("send", "--title", "t", "--wait", tty=True, IM_URL=hub.url, NO_COLOR="1")
    assert hub.seen[0].query == {"wait": "decision"}
    assert ran.out == "Alert a-1 stored, open.\nIt pages as INC-7, SEV-2 high.\n  - because\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('{"title": "a"}', 1),
        ('[{"title": "a"}, {"title": "b"}]', 2),
        ('{"title": "a"}\n\n{"title": "b"}\n', 2),
    ],
    ids=["one", "an array", "NDJSON"],
)
def test_a_file_holds_one_or_many(run: Any, hub: Any, tmp_path: Path, text: str, count: int) -> None:
    file = tmp_path / "alerts.json"
    file.write_text(text)
    assert run("send", "-f", str(file), IM_URL=hub.url).code == 0
    (sent,) = hub.seen
    assert (len(sent.body) if isinstance(sent.body, list) else 1) == count


def test_a_bad_line_is_named_and_nothing_is_sent(run: Any, hub: Any) -> None:
    ran = run("send", "-f", "-", stdin='{"title": "a"}\nnonsense\n', IM_URL=hub.url)
    assert ran.code == 2
    assert "standard input:2: not JSON" in ran.err
    assert hub.seen == []
