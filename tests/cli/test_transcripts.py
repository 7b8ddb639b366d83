"""Does every command print what it printed when somebody last looked? UPDATE_TRANSCRIPTS=1 writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "transcripts"
MODES = {"terminal": {"tty": True}, "pipe": {}, "no-color": {"tty": True, "NO_COLOR": "1"}}
HUB_YAML = "teams:\n  payments: {lead: bo}\n"

CASES = {
    "list": ["list"],
    "list-wide": ["list", "-o", "wide"],
    "list-json": ["list", "-o", "json"],
    "list-yaml": ["list", "-o", "yaml"],
    "show": ["show", "7"],
    "show-asks-again": ["show", "8"],
    "timeline": ["timeline", "INC-7"],
    "ack": ["ack", "INC-7"],
    "snooze": ["snooze", "INC-7", "--for", "2h", "--note", "waits for the vendor"],
    "snooze-until": ["snooze", "INC-7", "--until", "09:00"],
    "ack-option": ["ack", "--incident", "INC-7", "--note", "on it"],
    "ack-wait": ["ack", "INC-7", "--wait"],
    "unack": ["unack", "INC-7", "--no-wait"],
    "assign": ["assign", "INC-7", "bo", "--no-wait"],
    "escalate": ["escalate", "INC-7", "--to", "2", "--no-wait"],
    "merge": ["merge", "INC-7", "--into", "INC-8", "--yes", "--no-wait"],
    "merge-nowhere": ["merge", "INC-7"],
    "assign-nobody": ["assign", "INC-7"],
    "help-assign": ["assign", "--help"],
    "resolve": ["resolve", "INC-7"],
    "close": ["close", "INC-7"],
    "reopen": ["reopen", "INC-7"],
    "note": ["note", "INC-7", "the replica is rebuilding"],
    "update": [
        "update",
        "INC-7",
        "--sev",
        "SEV-1",
        "--title",
        "checkout is down",
        "--field",
        "customer=acme",
    ],
    "declare": [
        "declare",
        "--sev",
        "SEV-2",
        "--title",
        "checkout is slow",
        "--service",
        "payment-service,web",
    ],
    "declare-dry-run": [
        "declare",
        "--sev",
        "1",
        "--title",
        "cluster is down",
        "--service",
        "database,web",
        "--dry-run",
    ],
    "explain": ["explain", "INC-7"],
    "explain-quiet": ["explain", "--title", "lag", "--at", "2026-11-22T03:00+01:00"],
    "send": ["send", "--title", "disk full", "--service", "database"],
    "send-invalid": ["send", "--severity", "high"],
    "digest-list": ["digest", "list"],
    "digest-show": ["digest", "show", "the quiet ones"],
    "digest-send": ["digest", "send", "the quiet ones"],
    "apply": ["apply", "-f", "hub.yaml", "--yes"],
    "apply-dry-run": ["apply", "-f", "hub.yaml", "--dry-run"],
    "diff": ["diff", "-f", "hub.yaml"],
    "config-list": ["config", "list"],
    "config-show": ["config", "show", "2"],
    "config-diff": ["config", "diff", "2"],
    "config-diff-same": ["config", "diff", "3"],
    "config-rollback": ["config", "rollback", "2", "--yes"],
    "config-rollback-dry-run": ["config", "rollback", "2", "--dry-run"],
    "config-rollback-same": ["config", "rollback", "3"],
    "config-rollback-refused": ["config", "rollback", "1", "--yes"],
    "config-rollback-unsafe": ["config", "rollback", "4", "--yes"],
    "config-rollback-forced": ["config", "rollback", "4", "--yes", "--force"],
    "help-config-rollback": ["config", "rollback", "--help"],
    "doctor": ["doctor"],
    "status": ["status"],
    "alarms": ["alarms"],
    "canary": ["canary"],
    "canary-no-wait": ["canary", "--no-wait"],
    "alarms-wide": ["alarms", "--all", "-o", "wide"],
    "resume": ["resume"],
    "help-resume": ["resume", "--help"],
    "version": ["version"],
    "open": ["open"],
    "api": ["api", "GET", "whoami"],
    "audit-list": ["audit", "list", "--since", "24h"],
    "audit-show": ["audit", "show", "42"],
    "audit-tail": ["audit", "tail", "-n", "2"],
    "audit-verify": ["audit", "verify"],
    "token-list": ["token", "list"],
    "token-create": ["token", "create", "cron-db1", "--scope", "intake", "--expires-in", "90d"],
    "token-show": ["token", "show", "tok-1"],
    "token-rotate": ["token", "rotate", "tok-1"],
    "token-create-nothing": ["token", "create", "x"],
    "user-list": ["user", "list"],
    "user-show": ["user", "show", "cy"],
    "user-invite": ["user", "invite", "cy"],
    "token-revoke": ["token", "revoke", "tok-1"],
    "connector-list": ["connector", "list"],
    "connector-status": ["connector", "status", "prod-opsgenie"],
    "connector-sync": ["connector", "sync", "prod-pagerduty"],
    "connector-diff": ["connector", "diff", "prod-pagerduty"],
    "connector-diff-wide": ["connector", "diff", "-o", "wide"],
    "not-found": ["show", "INC-404"],
    "no-such-command": ["akc"],
    "help": ["--help"],
    "help-snooze": ["snooze", "--help"],
    "help-ack": ["ack", "--help"],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES)
def test_prints_as_before(case: str, mode: str, run: Any, hub: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hub.yaml").write_text(HUB_YAML)
    ran = run(*CASES[case], IM_URL=hub.url, IM_TOKEN="tsn_test", **MODES[mode])
    text = f"$ im {' '.join(CASES[case])}\n{ran.out}--- stderr\n{ran.err}--- exit {ran.code}\n"
    text = text.replace(hub.url, "http://hub.example").replace("\x1b[", "<esc>[")
    text = re.sub(r"answers in \d+ ms", "answers in 9 ms", re.sub(r"Python 3[.\d]+", "Python 3", text))
    golden = FOLDER / f"{case}.{mode}.txt"
    if os.environ.get("UPDATE_TRANSCRIPTS"):
        FOLDER.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("case", CASES)
def test_without_color_no_escape_sequence_is_left(case: str) -> None:
    for mode in ("pipe", "no-color"):
        assert "<esc>" not in (FOLDER / f"{case}.{mode}.txt").read_text()


@pytest.mark.parametrize("case", CASES)
def test_colours_change_no_word_and_no_place(case: str) -> None:
    painted = (FOLDER / f"{case}.terminal.txt").read_text()
    bare = [line.rstrip() for line in re.sub(r"<esc>\[[0-9;]*m", "", painted).splitlines()]
    assert bare == (FOLDER / f"{case}.no-color.txt").read_text().splitlines()


@pytest.mark.parametrize("case", ["list", "timeline", "explain", "doctor", "connector-list", "token-list"])
def test_on_a_terminal_no_line_is_wider_than_it(case: str) -> None:
    out = (FOLDER / f"{case}.no-color.txt").read_text().partition("--- stderr")[0].splitlines()[1:]
    assert [line for line in out if len(line) > 100] == []
