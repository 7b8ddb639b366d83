"""Does each command send what was meant, refuse what cannot be meant, and end with its exit code?"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

API = "/api/v1"


@pytest.fixture
def im(run: Any, hub: Any) -> Any:
    return lambda *words, **more: run(*words, **({"IM_URL": hub.url, "IM_TOKEN": "tsn_test"} | more))


@pytest.fixture
def nowhere() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, 1),
        (422, 1),
        (401, 4),
        (403, 4),
        (404, 3),
        (409, 5),
        (412, 5),
        (429, 6),
        (500, 1),
        (503, 6),
        (504, 124),
    ],
)
def test_each_refusal_has_its_exit_code(im: Any, hub: Any, status: int, code: int) -> None:
    hub.refuse("GET", f"{API}/incidents/INC-7", status, "the reason in words")
    ran = im("show", "INC-7")
    assert ran.code == code
    assert "the reason in words" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["ack"], "no incident is named", id="ack without an incident"),
        pytest.param(["snooze", "7"], "a snooze needs an end", id="snooze without an end"),
        pytest.param(
            ["snooze", "7", "--for", "2h", "--until", "09:00"], "are two ends", id="snooze with two ends"
        ),
        pytest.param(["snooze", "7", "--for", "soon"], "'soon' is not a duration", id="snooze for nonsense"),
        pytest.param(
            ["snooze", "7", "--until", "25:00"], "is not a time", id="snooze until no hour of a day"
        ),
        pytest.param(["ack", "INC-x"], "'INC-x' is not an incident", id="ack of nonsense"),
        pytest.param(["list", "--severity", "SEV-9"], "'SEV-9' is not a severity", id="unknown severity"),
        pytest.param(["list", "-o", "xml"], "not an output format", id="unknown format"),
        pytest.param(["list", "--url", "ftp://x"], "not the address of a server", id="impossible address"),
        pytest.param(["list", "--bogus"], "No such option", id="unknown option"),
        pytest.param(
            ["declare", "--title", "x"], "--sev is missing", id="declare without severity, not asked"
        ),
        pytest.param(["explain"], "nothing to explain", id="explain nothing"),
        pytest.param(["explain", "7", "--title", "x"], "one thing at a time", id="explain two things"),
        pytest.param(["explain", "--title", "x", "--at", "noon"], "not a time", id="explain at no time"),
        pytest.param(["send", "--title", "x", "--label", "novalue"], "key=value", id="label without value"),
        pytest.param(
            ["send", "--title", "x", "--resolve"], "--resolve needs --key", id="resolve without key"
        ),
        pytest.param(["token", "create", "x", "--scope", "root"], "root is not a scope", id="unknown scope"),
        pytest.param(["note", "INC-7"], "needs a text", id="note without text"),
        pytest.param(["update", "INC-7"], "nothing to change", id="update without a change"),
        pytest.param(["update", "--sev", "1"], "no incident is named", id="update of nothing"),
        pytest.param(["update", "7", "--field", "x"], "key=value", id="field without value"),
        pytest.param(["apply"], "which file", id="apply without file"),
        pytest.param(["api", "BREW", "/x"], "not a method", id="unknown method"),
    ],
)
def test_what_cannot_be_meant_is_exit_2_and_nothing_is_sent(
    im: Any, hub: Any, words: list[str], said: str
) -> None:
    ran = im(*words)
    assert ran.code == 2
    assert said in ran.err
    assert hub.seen == []


def test_nobody_listening_is_exit_6_with_the_next_step(run: Any, nowhere: str) -> None:
    ran = run("list", IM_URL=nowhere)
    assert ran.code == 6
    assert "nothing listens" in ran.err
    assert "im serve" in ran.err


def test_no_answer_in_time_is_exit_124(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ran = run("list", "--timeout", "0.1", IM_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert ran.code == 124


@pytest.mark.parametrize(
    "words",
    [["ack", "INC-7", "--note", "n"], ["ack", "--incident", "INC-7", "--note", "n"], ["ack", "7", "-m", "n"],
     ["ack", "--incident=inc-7", "--note=n"]],
    ids=" ".join,
)  # fmt: skip
def test_both_ways_of_naming_an_incident(im: Any, hub: Any, words: list[str]) -> None:
    assert im(*words).code == 0
    assert [one.body for one in hub.of("POST", f"{API}/incidents/INC-7/acknowledge")] == [{"note": "n"}]


def test_update_sends_what_is_given_and_no_more(im: Any, hub: Any) -> None:
    words = ["--sev", "1", "--description", "-", "--field", "customer=acme", "--field", "region="]
    assert im("update", "7", *words, stdin="more\n").code == 0
    (sent,) = hub.of("PATCH", f"{API}/incidents/INC-7")
    fields = {"customer": "acme", "region": ""}
    assert sent.body == {"severity": "critical", "description": "more", "fields": fields}


def test_what_was_so_already_is_told(im: Any, hub: Any) -> None:
    hub.answer("PATCH", f"{API}/incidents/INC-7", {"name": "INC-7", "changed": False})
    assert im("update", "7", "--title", "x").out == "INC-7 was so already; nothing changed.\n"


def test_one_of_two_is_partly_done(im: Any, hub: Any) -> None:
    hub.refuse("POST", f"{API}/incidents/INC-8/acknowledge", 409, "INC-8 is closed")
    ran = im("ack", "7", "8")
    assert ran.code == 7
    assert "INC-7 acknowledged" in ran.out
    assert "INC-8: INC-8 is closed" in ran.err


def test_none_of_two_is_the_first_ones_failure(im: Any) -> None:
    assert im("ack", "404", "405").code == 3


def test_an_act_done_before_is_told_and_is_success(im: Any, hub: Any) -> None:
    body = {
        "name": "INC-7",
        "changed": False,
        "acknowledged_by": "Ada",
        "acknowledged_at": "2026-11-20T02:17:30Z",
    }
    hub.answer("POST", f"{API}/incidents/INC-7/acknowledge", body)
    ran = im("ack", "7")
    assert (ran.code, ran.out) == (
        0,
        "INC-7 was acknowledged already by Ada at 2026-11-20 03:17; nothing changed.\n",
    )


@pytest.mark.parametrize("word", ["SEV-2", "sev2", "2", "P2", "high", "HIGH"])
def test_every_spelling_of_a_severity(im: Any, hub: Any, word: str) -> None:
    assert im("declare", "--sev", word, "--title", "t", "--service", "db,api", "--service", "web").code == 0
    sent = hub.of("POST", f"{API}/incidents")[0]
    assert sent.body == {"title": "t", "severity": "high", "services": ["db", "api", "web"]}
    assert sent.headers["idempotency-key"].startswith("im-")


def test_declare_asks_on_a_terminal_and_takes_no_for_an_answer(im: Any, hub: Any) -> None:
    ran = im("declare", "--sev", "1", tty=True, stdin="it burns\ndb\nn\n", asked=True)
    assert ran.code == 1
    assert "Declare SEV-1 critical on db: it burns?" in ran.err
    assert "Asked, by “default”: nobody" in ran.err
    assert hub.of("POST", f"{API}/incidents") == []


def test_declare_asks_on_a_terminal_and_goes_on_after_yes(im: Any, hub: Any) -> None:
    assert im("declare", "--sev", "1", tty=True, stdin="it burns\ndb\ny\n", asked=True).code == 0
    assert hub.of("POST", f"{API}/incidents")[0].body["services"] == ["db"]


def test_list_passes_its_filters_and_tells_of_more(im: Any, hub: Any) -> None:
    hub.answer("GET", f"{API}/incidents", {"items": [], "next_cursor": "abc"})
    ran = im(
        "list", "--status", "acknowledged,closed", "--sev", "SEV-1,low", "--team", "payments", "--limit", "5"
    )
    wanted = {"status": "mitigated,closed", "severity": "critical,low", "team": "payments", "limit": "5"}
    assert hub.seen[0].query == wanted
    assert "--cursor abc" in ran.err
    assert ran.code == 0


def test_json_is_the_apis_own_shape(im: Any, hub: Any) -> None:
    assert json.loads(im("show", "7", "-o", "json").out) == hub.answers[("GET", f"{API}/incidents/INC-7")][1]


def test_the_timeline_is_read_to_its_last_page(im: Any, hub: Any) -> None:
    lines = hub.answers[("GET", f"{API}/incidents/INC-7/timeline")][1]["items"]
    pages = {"": (lines[:2], "p2"), "p2": (lines[2:], None)}

    def page(seen: Any) -> tuple[int, Any]:
        items, cursor = pages[seen.query.get("cursor", "")]
        return 200, {"items": items, "next_cursor": cursor}

    hub.call("GET", f"{API}/incidents/INC-7/timeline", page)
    assert json.loads(im("timeline", "7", "-o", "json").out) == {"items": lines, "next_cursor": None}


def test_following_prints_past_and_present_once_and_only_this_incident(im: Any, hub: Any) -> None:
    lines = hub.answers[("GET", f"{API}/incidents/INC-7/timeline")][1]["items"]
    new = lines[0] | {"id": 5, "text": "Resolved.", "incident": "INC-7"}
    other = lines[0] | {"id": 6, "text": "Elsewhere.", "incident": "INC-8"}
    known = lines[3] | {"incident": "INC-7"}
    hub.events = [
        f"id: {n}\nevent: timeline\ndata: {json.dumps(one)}\n\n".encode()
        for n, one in enumerate((known, new, other), 1)
    ]
    ask = iter([200, 401])  # the second time that it listens it is turned away, which ends it

    def found(seen: Any) -> tuple[int, Any]:
        status = next(ask)
        return status, {"name": "INC-7", "title": "t"} if status == 200 else {
            "detail": "the token was revoked"
        }

    hub.call("GET", f"{API}/incidents/INC-7", found)
    ran = im("timeline", "7", "--follow", "-o", "json")
    assert [json.loads(text)["id"] for text in ran.out.splitlines()] == [1, 2, 3, 4, 5]
    assert ran.code == 4
    assert [one.headers.get("last-event-id") for one in hub.of("GET", f"{API}/stream")] == [None, "3"]


def test_explain_of_an_imagined_alert_at_a_wall_clock_time(im: Any, hub: Any) -> None:
    words = [
        "--title",
        "t",
        "--service",
        "db",
        "--sev",
        "P1",
        "--label",
        "env=dev",
        "--at",
        "2026-12-24 03:00",
    ]
    assert im("explain", *words).code == 0
    alert = {"title": "t", "service_name": "db", "severity": "critical", "labels": {"env": "dev"}}
    assert hub.seen[0].body == {"alert": alert, "at": "2026-12-24T02:00:00Z"}


def test_apply_sends_only_the_variables_that_the_file_names(im: Any, hub: Any, tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text("# ${COMMENTED} here\nconnectors:\n  pd: {api_key: ${PD_KEY}, base_url: ${MISSING}}\n")
    assert im("apply", "-f", str(file), "--yes", PD_KEY="s3cret", COMMENTED="no", OTHER="no").code == 0
    assert [one.path for one in hub.seen] == [f"{API}/config/diff", f"{API}/config"]
    for one in hub.seen:
        assert one.body == {"text": file.read_text(), "environment": {"PD_KEY": "s3cret"}, "file": "hub.yaml"}


def test_apply_shows_the_faulty_line_with_a_caret(
    im: Any, hub: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hub.yaml").write_text("routing:\n  - {name: x, when: alert.sevrity, page: y}\n  - bad\n")
    faults = [
        {"field": "routing.0.when", "message": "unknown name alert.sevrity", "line": 2},
        {"field": "routing.1", "message": "must be a mapping", "line": 3, "column": 5},
    ]
    hub.refuse("POST", f"{API}/config/diff", 422, "hub.yaml has 2 faults", faults=faults, hint="correct them")
    ran = im("apply", "-f", "hub.yaml")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "Error: hub.yaml has 2 faults",
        "  hub.yaml:2: routing.0.when: unknown name alert.sevrity",
        "      2 |   - {name: x, when: alert.sevrity, page: y}",
        "        |               ^",
        "  hub.yaml:3: routing.1: must be a mapping",
        "      3 |   - bad",
        "        |     ^",
        "Next: correct them",
    ]


@pytest.mark.parametrize(
    ("words", "stdin", "applied", "code"),
    [
        pytest.param(["--dry-run"], "", False, 0, id="dry run"),
        pytest.param([], "n\n", False, 1, id="no"),
        pytest.param([], "y\n", True, 0, id="yes"),
        pytest.param(["--yes"], "", True, 0, id="not asked"),
        pytest.param(["--no-input"], "", False, 2, id="may not ask"),
    ],
)
def test_apply_asks_before_it_changes(
    im: Any, hub: Any, tmp_path: Path, words: list[str], stdin: str, applied: bool, code: int
) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text("teams: {}\n")
    assert im("apply", "-f", str(file), *words, tty=True, stdin=stdin, asked=True).code == code
    assert bool(hub.of("POST", f"{API}/config")) is applied


def test_a_timeline_whose_beginning_is_forgotten_says_so(im: Any, hub: Any) -> None:
    """Retention: an empty list must not read as if nothing had happened."""
    gone = {"items": [], "next_cursor": None, "forgotten_before": "2026-10-05T00:00:00Z"}
    hub.answer("GET", f"{API}/incidents/INC-7/timeline", gone)
    assert "before 2026-10-05T00:00:00Z are no longer kept" in im("timeline", "INC-7", tty=True).err
    assert json.loads(im("timeline", "INC-7", "-o", "json").out) == gone


UNSAFE = {"field": "integrations.am", "message": "is removed, but something sent to it 3 min ago", "line": 1}


@pytest.mark.parametrize(
    ("words", "applied", "code"),
    [
        pytest.param(["apply", "--yes"], False, 5, id="apply"),
        pytest.param(["apply", "--yes", "-o", "json"], False, 5, id="apply for a program"),
        pytest.param(["apply", "--dry-run"], False, 5, id="dry run"),
        pytest.param(["apply", "--yes", "--force"], True, 0, id="forced"),
        pytest.param(["apply", "--dry-run", "--force"], False, 0, id="dry run, forced"),
        pytest.param(["diff"], False, 0, id="diff only asks"),
    ],
)
def test_what_would_cost_pages_is_not_applied(
    im: Any, hub: Any, tmp_path: Path, words: list[str], applied: bool, code: int
) -> None:
    """S51: named with its line and the way to force it; with --force the hub is told that it is meant."""
    file = tmp_path / "hub.yaml"
    file.write_text("integrations: {}\n")
    hub.answer(
        "POST", f"{API}/config/diff", {"changed": True, "diff": "", "warnings": [], "refusals": [UNSAFE]}
    )
    ran = im(words[0], "-f", str(file), *words[1:], tty="json" not in words)
    assert ran.code == code
    assert [one.query for one in hub.of("POST", f"{API}/config")] == ([{"force": "true"}] if applied else [])
    if "json" in words:
        assert json.loads(ran.out)["refusals"] == [UNSAFE]
    else:
        assert "hub.yaml:1: integrations.am: is removed" in ran.err
        assert "--force" in ran.err


def test_an_apply_that_became_unsafe_meanwhile_is_told_with_its_lines(
    im: Any, hub: Any, tmp_path: Path
) -> None:
    """The incident opened between the comparison and the apply."""
    file = tmp_path / "hub.yaml"
    file.write_text("integrations: {}\n")
    hub.refuse(
        "POST", f"{API}/config", 409, "hub.yaml:1: no", code="unsafe", faults=[UNSAFE], hint="say --force"
    )
    ran = im("apply", "-f", str(file), "--yes")
    assert (ran.code, "    1 | integrations: {}" in ran.err, "say --force" in ran.err) == (5, True, True)


def test_doctor_says_that_the_secret_key_is_lost(im: Any, hub: Any) -> None:
    """S50: the hub is ready, takes alerts, and pages nobody."""
    lost = {"name": "credentials", "text": "cannot be opened", "next": "give the old TOCSIN_SECRET_KEY back"}
    hub.answer(
        "GET", "/readyz", {"ready": True, "checks": {"database": True, "worker": True}, "reasons": [lost]}
    )
    ran = im("doctor", "-o", "json")
    checks = {one["name"]: one for one in json.loads(ran.out)["checks"]}
    assert (ran.code, checks["credentials"]["state"]) == (8, "failed")
    assert (checks["credentials"]["text"], checks["credentials"]["next"]) == (lost["text"], lost["next"])


def test_doctor_fails_while_the_file_of_the_start_is_refused(im: Any, hub: Any) -> None:
    """S51: the hub runs on the version in force, and says so until that is mended."""
    refused = {"file": "/etc/tocsin/hub.yaml", "message": "hub.yaml:3: no", "faults": []}
    hub.answer("GET", f"{API}/config", {"version": 3, "document": {}, "refused_file": refused})
    ran = im("doctor", "-o", "json")
    found = [c for c in json.loads(ran.out)["checks"] if c["name"] == "configuration"]
    assert (ran.code, found[0]["state"], "hub.yaml:3: no" in found[0]["text"]) == (8, "failed", True)
    assert "im apply -f" in found[0]["next"]


@pytest.mark.parametrize(
    ("words", "stdin", "done", "code"),
    [
        pytest.param(["--dry-run"], "", False, 0, id="dry run"),
        pytest.param(["--dry-run", "-o", "json"], "", False, 0, id="dry run for a program"),
        pytest.param([], "n\n", False, 1, id="no"),
        pytest.param([], "y\n", True, 0, id="yes"),
        pytest.param(["--yes"], "", True, 0, id="not asked"),
        pytest.param(["--no-input"], "", False, 2, id="may not ask"),
    ],
)
def test_rollback_asks_before_it_changes(
    im: Any, hub: Any, words: list[str], stdin: str, done: bool, code: int
) -> None:
    """RO-11: rehearsed first, then asked, then done."""
    assert im("config", "rollback", "2", *words, tty=True, stdin=stdin, asked=True).code == code
    asked = [one.query for one in hub.of("POST", f"{API}/config/versions/2/rollback")]
    assert asked == [{"dry_run": "true"}, {}][: 2 if done else 1]


def test_config_show_without_a_number_is_the_one_in_force(im: Any, hub: Any) -> None:
    """Its text alone goes to the pipe, so that it can be kept as a file."""
    ran = im("config", "show")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "services:")
    assert "version 3, in force" in ran.err
    hub.answer("GET", f"{API}/config", {"version": 0, "document": {}})
    ran = im("config", "show")
    assert (ran.code, "im apply -f hub.yaml" in ran.err) == (1, True)


def test_config_list_says_when_there_is_nothing_and_when_there_is_more(im: Any, hub: Any) -> None:
    hub.answer("GET", f"{API}/config/versions", {"items": [], "next_cursor": None})
    assert "im apply -f hub.yaml" in im("config", "list", tty=True).err
    hub.answer("GET", f"{API}/config/versions", {"items": [{"version": 1}], "next_cursor": "abc"})
    assert "im config list --limit 1 --cursor abc" in im("config", "list", "--limit", "1").err


def test_api_passes_a_body_and_follows_pages(im: Any, hub: Any) -> None:
    im("api", "post", "incidents/INC-7/notes", "-F", "text=seen", "-F", "n=3")
    assert hub.seen[0].body == {"text": "seen", "n": 3}
    pages = {"": {"items": [1], "next_cursor": "b"}, "b": {"items": [2], "next_cursor": None}}
    hub.call("GET", f"{API}/alerts", lambda seen: (200, pages[seen.query.get("cursor", "")]))
    assert json.loads(im("api", "/api/v1/alerts", "--paginate").out) == {"items": [1, 2], "next_cursor": None}


def test_doctor_without_failures_is_0(im: Any, hub: Any) -> None:
    hub.answer("GET", f"{API}/connectors", {"items": []})
    hub.answer("GET", f"{API}/health", {"system_status": "healthy"})
    hub.answer("GET", "/readyz", {"ready": True, "checks": {"database": {"ok": True}, "worker": "up"}})
    assert im("doctor").code == 0


@pytest.mark.parametrize(
    ("date", "state", "words"),
    [
        pytest.param(
            "Fri, 20 Nov 2026 02:20:04 GMT", "ok", "agree", id="four seconds are within the allowance"
        ),
        pytest.param("Fri, 20 Nov 2026 03:20:00 GMT", "warning", "ahead of", id="an hour ahead"),
        pytest.param("Fri, 20 Nov 2026 02:19:00 GMT", "warning", "behind", id="a minute behind"),
        pytest.param("yesterday", "warning", "did not say", id="no date"),
    ],
)
def test_doctor_compares_the_clocks(im: Any, hub: Any, date: str, state: str, words: str) -> None:
    hub.answer("GET", "/healthz", {}, headers={"Date": date})
    checks = {one["name"]: one for one in json.loads(im("doctor", "-o", "json").out)["checks"]}
    assert checks["clock"]["state"] == state
    assert words in checks["clock"]["text"]


@pytest.mark.parametrize(("mode", "failed"), [(0o600, False), (0o640, True), (0o644, True)])
def test_doctor_sees_a_token_that_others_can_read(im: Any, tmp_path: Path, mode: int, failed: bool) -> None:
    token = tmp_path / "admin-token"
    token.write_text("t")
    token.chmod(mode)
    names = [
        one["name"] for one in json.loads(im("doctor", "-o", "json", TOCSIN_DATA=str(tmp_path)).out)["checks"]
    ]
    assert ("admin token" in names) is failed


def test_doctor_says_which_server_is_away(run: Any, nowhere: str) -> None:
    ran = run("doctor", IM_URL=nowhere)
    assert ran.code == 8
    assert f"server\tfailed\tcannot reach {nowhere}" in ran.out


def test_the_local_servers_address_and_token_are_found(run: Any, hub: Any, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{hub.url}\n")
    (tmp_path / "admin-token").write_text("tsn_local\n")
    assert run("list", TOCSIN_DATA=str(tmp_path)).code == 0
    assert hub.seen[0].headers["authorization"] == "Bearer tsn_local"


def test_the_local_token_never_goes_to_another_machine(tmp_path: Path) -> None:
    from tocsin.cli.places import find_places

    (tmp_path / "admin-token").write_text("tsn_local\n")
    environ = {"TOCSIN_DATA": str(tmp_path), "IM_URL": "https://hub.example.com"}
    assert find_places(environ).token == ""
    assert find_places(environ, url="http://127.0.0.1:9").token == "tsn_local"


def test_a_title_cannot_drive_the_terminal(im: Any, hub: Any) -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\r\nline"
    hub.answer("GET", f"{API}/incidents", {"items": [{"name": "INC-7", "title": evil}]})
    for tty in (False, True):
        out = im("list", "--no-color", tty=tty).out
        assert not set(out) & set("\x1b\x07\x9b\u202e\r")


def test_no_token_leaks_into_an_error(im: Any, hub: Any) -> None:
    hub.refuse("GET", f"{API}/incidents", 401, "the token is not known")
    ran = im("list", IM_TOKEN="tsn_secret")
    assert ran.code == 4
    assert "tsn_secret" not in ran.out + ran.err


@pytest.mark.parametrize("token", ["two words", "tsn_\u00e9", "a\nb"])
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(im: Any, hub: Any, token: str) -> None:
    ran = im("list", IM_TOKEN=token)
    assert (ran.code, hub.seen) == (2, [])
    assert token not in ran.err


def test_a_host_name_that_cannot_be_one_is_unreachable(run: Any) -> None:
    assert run("list", IM_URL="http://a..b").code == 6


def test_output_format_from_the_environment(im: Any) -> None:
    assert json.loads(im("token", "list", IM_OUTPUT="json").out)["items"][0]["id"] == "tok-1"
    assert os.environ.get("IM_OUTPUT") is None
