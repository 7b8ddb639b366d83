"""A hub that is started must run and page: what becomes of a file that an apply would refuse (S51)."""

import os
from pathlib import Path
from typing import Any

import pytest

from rig import Begin, Rig

from .conftest import HUB

ALERT = {"title": "Login is down", "source": "probe", "severity": "critical", "service_name": "user-auth"}
NOBODY = "services: {user-auth: {}}\n"
ONE_PROVIDER = (
    "connectors: {prod-pagerduty: {type: pagerduty, api_key: '${PAGERDUTY_API_KEY}', base_url: '${PAGERDUTY_URL}',"
    " custom: {service_id: PGEN001, from_email: a@example.com}}}\n"
)


async def config_of(rig: Rig) -> Any:
    return await rig.call("GET", "/api/v1/config", want=200)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(HUB.replace("integrations:", "integration:"), "no such setting", id="wrong"),
        pytest.param(
            HUB.replace("${OPSGENIE_API_KEY}", "${NEVER_SET}"), "NEVER_SET", id="a variable is not set"
        ),
        pytest.param("a: [", "hub.yaml", id="no YAML"),
        pytest.param(NOBODY, "INC-1 is open there", id="unsafe"),
    ],
)
async def test_a_refused_file_leaves_the_version_in_force_and_is_told(
    begin: Begin, capsys: pytest.CaptureFixture[str], file: str, words: str
) -> None:
    """At 02:00 the machine restarts with a file that somebody broke by day: the hub pages by what was in force."""
    rig = await begin()
    await rig.alert(**ALERT)
    await rig.quiet()
    await rig.daemon.stop()
    await rig.start_hub(config=file)
    config, health = await config_of(rig), await rig.call("GET", "/api/v1/health", want=200)
    await rig.alert(**(ALERT | {"title": "Login is slow"}))
    await rig.quiet()

    assert config["version"] == 1
    assert words in str(config["refused_file"])
    assert health["system_status"] == "degraded"
    assert [reason for reason in health["reasons"] if "refused at the start" in reason]
    assert "configuration_refused" in "".join(capsys.readouterr())
    assert len(await rig.pagerduty()) == 2

    await rig.daemon.stop()
    await rig.start_hub(config=HUB)
    assert (await config_of(rig))["refused_file"] is None


async def test_a_file_that_is_not_there_does_not_stop_a_hub_that_has_a_version(
    begin: Begin, tmp_path: Path
) -> None:
    """Its disk is not mounted: what was in force pages."""
    rig = await begin()
    await rig.daemon.stop()
    await rig.start_hub(file=tmp_path / "not-mounted" / "hub.yaml")

    assert "not-mounted" in (await config_of(rig))["refused_file"]["message"]


async def test_an_apply_ends_the_finding(begin: Begin) -> None:
    """Whoever applies another version has looked at it."""
    rig = await begin()
    await rig.daemon.stop()
    await rig.start_hub(config="nonsense: true\n")
    assert (await config_of(rig))["refused_file"]["faults"][0]["field"] == "nonsense"
    environment = {name: value for name, value in os.environ.items() if f"${{{name}}}" in HUB}
    text = HUB.replace("reopen: 30m", "reopen: 20m")
    await rig.call("POST", "/api/v1/config", {"text": text, "environment": environment}, want=200)

    assert (await config_of(rig))["version"] == 2
    assert (await config_of(rig))["refused_file"] is None


async def test_an_unsafe_first_file_is_applied(begin: Begin) -> None:
    """Nothing would page in its place: a critical page that ends at a provider (S32) is better than none."""
    rig = await begin(config=ONE_PROVIDER, webhooks=False)
    (version,) = (await rig.call("GET", "/api/v1/config/versions", want=200))["items"]

    assert (version["in_force"], version["origin"]) == (True, "file (forced)")
    assert (await config_of(rig))["refused_file"] is None
