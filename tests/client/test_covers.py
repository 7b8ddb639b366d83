"""Everything goes through the public API, and the client has a method for each address of it (IM-8)."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tocsin.client import Client, ClientError
from tocsin.client.catalog import KINDS
from tocsin.client.looks import Proposal

ROOT = Path(__file__).parents[2]

WITHOUT = {
    "GET /healthz": "for monitors of uptime, which read the status alone",
    "GET /metrics": "for Prometheus; `metrics` gives the same as values",
    "POST /api/v1/session": "for a browser: its answer is a cookie",
    "POST /integrations/{key}": "for senders, each in its source's own form; `send` is a program's way in",
    "POST /v2/enqueue": "for senders that speak PagerDuty's Events API",
    "POST /v2/change/enqueue": "the same",
    "POST /connectors/{name}/webhook": "for providers",
}
"""Addresses without a method, each with its reason."""

FOR_EACH: dict[str, list[dict[str, Any]]] = {
    "act": [{"act": "acknowledge"}],
    "report_as": [{"form": form} for form in ("csv", "html", "pdf")],
    **{name: [{"kind": kind} for kind in ("silences", "maintenance")]
       for name in ("mutes", "mute", "make_mute", "change_mute", "end_mute", "preview_mute")},
    **{name: [{"kind": kind} for kind in KINDS] for name in ("catalog", "catalog_entry")},
}  # fmt: skip
"""Methods that serve several addresses, with the values that say which."""

NO_QUESTIONS = {"call", "close"}


def methods() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, arguments) of every public method, one for each address that it serves."""
    for name, function in inspect.getmembers(Client, inspect.isfunction):
        if name.startswith("_") or name in NO_QUESTIONS:
            continue
        for fixed in FOR_EACH.get(name, [{}]):
            needed = [
                p for p in inspect.signature(function).parameters.values()
                if p.default is p.empty and p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            ]  # fmt: skip
            yield name, {p.name: fixed.get(p.name, _some(str(p.annotation))) for p in needed}


def _some(annotation: str) -> Any:
    """A value of that type."""
    for word, value in (
        ("Sequence[Mapping", [{"a": "b"}]),
        ("Sequence[Proposal", [Proposal(setting="service_mappings", name="a", value="P1")]),
        ("Mapping", {"a": "b"}),
        ("Sequence", ["a"]),
        ("bool", True),
        ("int", 1),
    ):
        if word in annotation:
            return value
    return "x"


def described() -> set[str]:
    document = json.loads((ROOT / "docs/openapi.json").read_text())
    return {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}


def test_every_address_has_a_method_or_a_reason(hub: Any) -> None:
    hub.answers.clear()  # what is answered does not matter: what was asked does
    for name, given in methods():
        client = Client(hub.url, "tsn_x", timeout=5)
        with suppress(ClientError):
            made = getattr(client, name)(**given)
            if inspect.isgenerator(made):
                next(made, None)
        client.close()
    asked = [f"{seen.method} {seen.path}" for seen in hub.seen]
    patterns = {address: re.compile(re.sub(r"\{\w+\}", "[^/]+", address)) for address in described()}
    met = {address for address, pattern in patterns.items() if any(pattern.fullmatch(one) for one in asked)}

    assert described() - met == set(WITHOUT)
    unknown = [one for one in asked if not any(pattern.fullmatch(one) for pattern in patterns.values())]
    assert unknown == []


@pytest.mark.parametrize("module", ["tocsin.client", "tocsin.client.ledger", "tocsin.client.audit"])
def test_the_client_needs_nothing_of_the_server(module: str) -> None:
    code = (
        f"import sys, {module}; foreign = sorted({{name.partition('.')[0] for name in sys.modules}}"
        " & {'fastapi', 'starlette', 'pydantic', 'asyncpg', 'aiohttp', 'granian', 'structlog', 'typer', 'rich', 'celpy'});"
        " own = sorted(name for name in sys.modules if name.startswith('tocsin.') and not name.startswith('tocsin.client'));"
        " print(foreign, own)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[] []"
