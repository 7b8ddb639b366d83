"""A served hub with the sandbox's providers in the test's own process."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rig import KEYS
from tocsin.sandbox.server import Sandbox, SandboxSettings

from .served import Served

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(SandboxSettings(port=0, tls=False))
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def served(sandbox: Sandbox) -> AsyncIterator[Served]:
    """Not started yet; on a folder of its own (see `cluster`: pytest's may be closed to PostgreSQL's account)."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-served-"))
    os.chmod(folder, 0o711)
    environment = {
        **KEYS, "PAGERDUTY_URL": sandbox.pagerduty_url, "OPSGENIE_URL": sandbox.opsgenie_url, "SMTP_URL": sandbox.smtp_url,
        "PAGERDUTY_WEBHOOK_SECRET": "pd-webhook-secret", "OPSGENIE_WEBHOOK_TOKEN": "og-webhook-token",
    }  # fmt: skip
    hub = Served(folder, environment, HUB)
    yield hub
    await hub.close()
    shutil.rmtree(folder, ignore_errors=True)
