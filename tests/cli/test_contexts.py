"""Servers by name: which is asked, with which token, and where both are kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli.failures import Failure
from tocsin.cli.places import find_places


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Two contexts, `prod` in force and with a token."""
    (tmp_path / "config/im").mkdir(parents=True)
    (tmp_path / "config/im/config.yaml").write_text(
        "current: prod\ncontexts:\n  prod: {url: 'https://hub.example.com'}\n  lab: {url: 'http://lab:8000'}\n"
    )
    (tmp_path / "state/im/tokens").mkdir(parents=True)
    (tmp_path / "state/im/tokens/prod").write_text("tsn_prod\n")
    return {
        "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path / "state"),
    }  # fmt: skip


ASKED = {
    "the current one": ({}, {}, ("https://hub.example.com", "tsn_prod", "prod")),
    "another by option": ({}, {"context": "lab"}, ("http://lab:8000", "", "lab")),
    "another by variable": ({"IM_CONTEXT": "lab"}, {}, ("http://lab:8000", "", "lab")),
    "an address by option": ({}, {"url": "http://x:1"}, ("http://x:1", "", "")),
    "an address by variable": ({"IM_URL": "http://x:1"}, {}, ("http://x:1", "", "")),
    "the option over the variable": (
        {"IM_URL": "http://x:1"},
        {"context": "prod"},
        ("https://hub.example.com", "tsn_prod", "prod"),
    ),
    "a token of its own": ({"IM_TOKEN": "tsn_me"}, {}, ("https://hub.example.com", "tsn_me", "prod")),
    "the asked one's token over the variable": (
        {"IM_TOKEN": "tsn_me"},
        {"context": "prod"},
        ("https://hub.example.com", "tsn_prod", "prod"),
    ),
    "the variable's where it has none": (
        {"IM_TOKEN": "tsn_me"},
        {"context": "lab"},
        ("http://lab:8000", "tsn_me", "lab"),
    ),
}


@pytest.mark.parametrize(("environ", "options", "asked"), ASKED.values(), ids=ASKED)
def test_which_server_is_asked(
    home: dict[str, str], environ: dict[str, str], options: dict[str, str], asked: tuple[str, str, str]
) -> None:
    places = find_places(home | environ, **options)
    assert (places.url, places.token, places.context) == asked


def test_a_context_that_is_not_there_is_named(home: dict[str, str]) -> None:
    with pytest.raises(Failure, match="there is no context 'prd' \\(lab, prod\\)"):
        find_places(home, context="prd")


def test_a_file_that_cannot_be_read_says_so(home: dict[str, str]) -> None:
    Path(home["XDG_CONFIG_HOME"], "im/config.yaml").write_text("contexts: [1, {")
    with pytest.raises(Failure, match="cannot be read"):
        find_places(home)


def test_added_used_shown_and_forgotten(run: Any, hub: Any, tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path / "c")}
    added = run("context", "add", "here", "--server", hub.url, stdin="tsn_typed\n", **env)
    assert (added.code, "with a token, and is used from now on" in added.out) == (0, True)
    token = tmp_path / "state/im/tokens/here"
    assert token.read_text() == "tsn_typed\n"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert "tsn_typed" not in (tmp_path / "c/im/config.yaml").read_text()

    assert run("list", **env).out.count("INC-") == 2
    assert hub.seen[-1].headers["authorization"] == "Bearer tsn_typed"
    run("context", "add", "other", "--server", "lab:8000", stdin="", **env)
    assert [
        one["name"]
        for one in json.loads(run("context", "list", "-o", "json", **env).out)["items"]
        if one["current"]
    ] == ["here"]
    assert run("context", "use", "other", **env).code == 0
    assert json.loads(run("context", "show", "-o", "json", **env).out)["url"] == "http://lab:8000"
    assert run("list", "--context", "here", **env).code == 0
    assert run("context", "remove", "here", **env).code == 0
    assert not token.exists()
    assert run("list", "--context", "here", **env).code == 3
    assert run("context", "use", "here", **env).code == 3


@pytest.mark.parametrize(
    "words", [["add", "../x", "--server", "h"], ["add", "x", "--server", "ftp://h"], ["add", "x"]]
)
def test_what_cannot_be_meant_is_usage(run: Any, words: list[str], tmp_path: Path) -> None:
    assert run("context", *words, stdin="", XDG_CONFIG_HOME=str(tmp_path / "c")).code == 2
    assert not (tmp_path / "c").exists()
