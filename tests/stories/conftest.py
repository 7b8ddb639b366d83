"""Stories run a whole hub against the sandbox, with the clock in the story's hand."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from rig import MONDAY_NOON, Begin, Rig

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
SECRETS = {"PAGERDUTY_WEBHOOK_SECRET": "pd-webhook-secret", "OPSGENIE_WEBHOOK_TOKEN": "og-webhook-token"}


@pytest.fixture
async def begin(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Begin]:
    """`await begin()`: a hub with the demo's catalog at Monday noon UTC, its webhooks registered.

    `at` = another instant, `config` = another configuration, `webhooks=False` = providers cannot call back, `dsn` = another way to the
    database, `public=True` = the hub has a public address, so it counts on their calls.
    """
    started: list[Rig] = []

    async def start(
        *,
        at: datetime = MONDAY_NOON,
        config: str = HUB,
        webhooks: bool = True,
        dsn: str = "",
        public: bool = False,
    ) -> Rig:
        rig = Rig(dsn or database_url, tmp_path, config, at=at, public=public)
        started.append(rig)

        def environment(names: dict[str, str]) -> None:
            for name, value in {**SECRETS, **names}.items():
                monkeypatch.setenv(name, value)

        await rig.start(environment, webhooks=webhooks)
        return rig

    yield start
    for rig in started:
        await rig.stop()
