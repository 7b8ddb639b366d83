"""A real server for the client to talk to."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_PATH = Path(__file__).parent / "fake_hub.py"
_SPEC = importlib.util.spec_from_file_location("fake_hub", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
fake_hub = sys.modules.setdefault("fake_hub", importlib.util.module_from_spec(_SPEC))
if not hasattr(fake_hub, "Hub"):
    _SPEC.loader.exec_module(fake_hub)


@pytest.fixture
def hub() -> Iterator[Any]:
    made = fake_hub.filled(fake_hub.Hub())
    server = fake_hub.FakeServer(made)
    yield made
    server.stop()
