"""Whatever comes in: the sender is told which field, nothing is half done, and the next good alert pages.

One hub stands for all rows of the table; what a row must not leave behind is counted in its database.
"""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from rig import KEYS, MONDAY_NOON, Begin, Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = "raw_request event alert incident part remote effect delivery timeline timer hook config_version api_token audit"
COUNT = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in TABLES.split())
ALERTS, BATCH, CONFIG, ENQUEUE = "/api/v1/alerts", "/api/v1/alerts/batch", "/api/v1/config", "/v2/enqueue"
WEBHOOK, ALERTMANAGER = f"/integrations/{KEYS['WH_KEY']}", f"/integrations/{KEYS['AM_KEY']}"
PAGERDUTY, OPSGENIE = "/connectors/prod-pagerduty/webhook", "/connectors/prod-opsgenie/webhook"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
YAML = {"Content-Type": "text/yaml"}
OK = b'{"title":"x"}'
MANY = json.dumps({"title": "x", "labels": {f"k{n}": "v" for n in range(100_000)}}).encode()
DEEP = b'{"title":"x","details":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
LARGE = b'{"title":"x","description":"' + b"a" * 5_000_000 + b'"}'
BOMB = "\n".join(["a: &a [x, x]", *(f"{b}: &{b} [{', '.join(['*' + a] * 30)}]" for a, b in zip("abcd", "bcde"))])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One hub with the demo's catalog for the whole table."""
    from test_the_whole_way_of_stories import HUB  # pragma: no cover
    yield Rig(cluster, tmp_path_factory.mktemp("x"), HUB, at=MONDAY_NOON)
