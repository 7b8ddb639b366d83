"""Do the Dockerfile and compose.yaml say what the hub needs? No engine is needed to ask."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
_INSTRUCTIONS = {
    "FROM",
    "WORKDIR",
    "RUN",
    "COPY",
    "ENV",
    "USER",
    "VOLUME",
    "EXPOSE",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
}


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def test_the_image_serves_all_addresses_as_a_normal_user_and_tells_its_health() -> None:
    """The last stage: its user comes before its command, and the check asks for /readyz."""
    last = instructions()[max(i for i, (word, _) in enumerate(instructions()) if word == "FROM") :]
    said = dict(last)

    assert {word for word, _ in instructions()} <= _INSTRUCTIONS
    assert said["USER"] == "tocsin"
    assert yaml.safe_load(said["ENTRYPOINT"]) + yaml.safe_load(said["CMD"]) == [
        *("im", "serve", "--host", "0.0.0.0", "--data", "/data")
    ]
    assert "/readyz" in said["HEALTHCHECK"]
    assert said["VOLUME"] == "/data"


def test_what_the_image_copies_is_there() -> None:
    """A source that was moved would break the build on somebody else's machine first."""
    sources = [rest.split()[0] for word, rest in instructions() if word == "COPY" and "--from" not in rest]

    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_compose_waits_for_the_database_and_uses_it() -> None:
    """PostgreSQL 18 beside the hub, healthy before the hub starts, with no password written down."""
    hub, database = COMPOSE["services"]["hub"], COMPOSE["services"]["database"]

    assert database["image"] == "postgres:18"
    assert hub["depends_on"]["database"]["condition"] == "service_healthy"
    assert "pg_isready" in database["healthcheck"]["test"]
    assert "@database/tocsin" in hub["environment"]["DATABASE_URL"]
    assert "${POSTGRES_PASSWORD:?" in database["environment"]["POSTGRES_PASSWORD"]


def test_only_the_demo_profile_has_the_sandbox() -> None:
    """A plain `docker compose up` starts no stand-in of a provider."""
    always = {name for name, service in COMPOSE["services"].items() if not service.get("profiles")}

    assert always == {"hub", "database"}
    assert COMPOSE["services"]["sandbox"]["profiles"] == ["demo"]


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_each_service_names_only_volumes_and_services_that_exist(service: str) -> None:
    """A typing error in a name is an error only at start."""
    spec = COMPOSE["services"][service]
    volumes = {mount.split(":")[0] for mount in spec.get("volumes", [])}
    services = {*spec.get("depends_on", {}), *re.findall(r"service:(\w+)", spec.get("network_mode", ""))}

    assert volumes <= COMPOSE["volumes"].keys()
    assert services <= COMPOSE["services"].keys()
