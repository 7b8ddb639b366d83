"""What the tests of this room share: the example, its environment and a way to load a document."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinds import PROVIDERS, SOURCES
from tocsin import policy
from tocsin.core.errors import BadInput, FieldFault
from tocsin.policy import Loaded

ENV = {
    "PAGERDUTY_URL": "http://127.0.0.1:8901",
    "PAGERDUTY_API_KEY": "pd-secret-value",
    "OPSGENIE_URL": "http://localhost:8903",
    "OPSGENIE_API_KEY": "og-secret-value",
    "AM_KEY": "alertmanager-key-0001",
    "PD_IN_KEY": "0123456789abcdef0123456789ABCDEF",
    "OG_IN_KEY": "2f6b0b5e-0f3c-4f0e-9f5a-0123456789ab",
    "WH_KEY": "webhook-key-00000001",
}


@pytest.fixture
def example() -> str:
    """The text of examples/example.yaml."""
    return (Path(__file__).parents[2] / "examples" / "example.yaml").read_text(encoding="utf-8")


@pytest.fixture
def load() -> Callable[..., Loaded]:
    """Load a text with the names and variables of the example."""

    def loaded(text: str, **more: Any) -> Loaded:
        given: dict[str, Any] = {"env": ENV, "known_sources": SOURCES, "known_providers": PROVIDERS}
        return policy.load(text, file_name="hub.yaml", **{**given, **more})

    return loaded


@pytest.fixture
def faults_of(load: Callable[..., Loaded]) -> Callable[..., tuple[FieldFault, ...]]:
    """The faults of a text that must be refused."""

    def found(text: str, **more: Any) -> tuple[FieldFault, ...]:
        with pytest.raises(BadInput) as refused:
            load(text, **more)
        assert refused.value.faults
        return refused.value.faults

    return found
