"""An apply that would cost pages is refused: what it is decided from is gathered here, with a real database (S51)."""

from typing import Any

import pytest

from tocsin.engine import configure
from tocsin.engine.configure import Applied
from tocsin.engine.rollback import rollback
from tocsin.engine.weigh import Unsafe

from .office import CONFIG, ENVIRONMENT, Office, create, resolve

WEST = CONFIG.replace("east", "west")
BOTH = CONFIG.replace(
    "connectors:",
    'connectors:\n  west: {type: bell, base_url: "${BELL_URL}", api_key: "west-key-nobody-may-see"}',
)
LATER = BOTH.replace("[{all: [east]}]", "[{all: [east]}, {after: 10m, all: [west]}]")
NO_SENDER = CONFIG.replace(
    'integrations: {prometheus: {source: webhook, key: "${AM_KEY}", urgency: high}}\n', ""
)


async def apply(office: Office, text: str, *, force: bool = False, **environment: str) -> Applied:
    return await configure.apply(
        office.hub, text, environment={**ENVIRONMENT, "BELL_URL": office.bell.url, **environment},
        file_name="hub.yaml", author="ada", origin="test", force=force,
    )  # fmt: skip


async def refused(office: Office, text: str, **environment: str) -> dict[str, str]:
    """Field -> message; that nothing was changed and that the comparison says the same is asserted."""
    before = await office.rows(
        "SELECT (SELECT max(version) FROM config_version), name, sealed FROM secret ORDER BY name"
    )
    with pytest.raises(Unsafe) as no:
        await apply(office, text, **environment)
    told = await configure.compare(
        office.hub,
        text,
        environment={**ENVIRONMENT, "BELL_URL": office.bell.url, **environment},
        file_name="hub.yaml",
    )

    assert told.refusals == no.value.faults
    assert all(fault.line for fault in no.value.faults)
    assert "--force" in no.value.hint
    assert before == await office.rows(
        "SELECT (SELECT max(version) FROM config_version), name, sealed FROM secret ORDER BY name"
    )
    return {fault.field: fault.message for fault in no.value.faults}


async def test_a_connector_that_took_a_page_is_not_exchanged_for_one_that_did_not(office: Office) -> None:
    """S51: no tested page path. Beside the old one the new one may stand, and be tested, and then take over."""
    await office.page(create())
    await office.say(resolve())
    await office.decide()
    await office.deliver()

    assert "west never took a page" in (await refused(office, WEST))["routing.0"]
    await apply(office, BOTH.replace("[east]", "[east, west]"))
    await office.say(create("other"))
    await office.decide()
    for connector in ("east", "west"):
        await office.deliver(connector)
    await office.say(resolve("other"))
    await office.decide()
    done = await apply(
        office,
        WEST.replace("${BELL_KEY}", "west-key-nobody-may-see").replace(
            ', webhook_token: "${BELL_TOKEN}"', ""
        ),
    )
    assert (done.version, done.refusals) == (3, ())


async def test_forced_it_is_applied_and_told(office: Office) -> None:
    """The version says so for good."""
    await office.page(create())
    done = await apply(office, WEST, force=True)

    assert (done.version, done.changed, done.refusals) == (2, True, ())
    assert [w for w in done.warnings if "INC-1" in w and w.endswith("(forced)")]
    assert await office.value("SELECT origin FROM config_version WHERE version = 2") == "test (forced)"


async def test_a_first_configuration_is_told_that_nothing_is_tested(office: Office) -> None:
    """S51: nothing can be tested before it is there."""
    again = await apply(office, CONFIG.replace("database: {}", "database: {}, third: {}"))

    assert [
        w for w in again.warnings if "no page path of critical, high, medium, low alerts is tested: east" in w
    ]
    await office.page(create())
    assert not (await apply(office, CONFIG)).warnings


async def test_a_new_credential_is_taken_and_proves_nothing_yet(office: Office) -> None:
    """The old one may be worthless already, so it never stands in the way; the next apply tells."""
    await office.page(create())
    office.clock.advance(seconds=1)
    await apply(office, CONFIG, BELL_KEY="a-new-key-nobody-may-see")
    told = await apply(
        office, CONFIG.replace("database: {}", "database: {}, third: {}"), BELL_KEY="a-new-key-nobody-may-see"
    )

    assert [w for w in told.warnings if "east never took a page" in w]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            "webhook_token:", "custom: {service_mappings: {web: X}}, webhook_token:", id="a mapping"
        ),
        pytest.param("webhook_token:", "rate_limit: {per_minute: 9}, webhook_token:", id="a rate"),
        pytest.param("webhook_token:", "sync_interval: 1m, webhook_token:", id="how often it is read"),
        pytest.param(', webhook_token: "${BELL_TOKEN}"', "", id="the way back"),
    ],
)
async def test_settings_that_do_not_decide_whether_it_rings_leave_it_tested(
    office: Office, old: str, new: str
) -> None:
    await office.page(create())

    assert not (await apply(office, CONFIG.replace(old, new))).warnings


async def test_a_version_that_rang_may_be_rolled_back_to(office: Office) -> None:
    """What a connector proved with its settings counts whenever they come back."""
    await office.page(create())
    await office.say(resolve())
    await office.decide()
    await office.deliver()
    await apply(office, WEST, force=True)
    done = await rollback(office.hub, 1, author="ada", via="test")

    assert (done.version, done.refusals) == (3, ())


async def test_a_rollback_is_weighed_like_an_apply(office: Office) -> None:
    """S51: here it would take a connector away at which an incident is open; lines are those of the shown text."""
    await apply(office, BOTH.replace("[east]", "[east, west]"))
    await office.say(create())
    await office.decide()
    for connector in ("east", "west"):
        await office.deliver(connector)
    with pytest.raises(Unsafe, match="INC-1") as no:
        await rollback(office.hub, 1, author="ada", via="test")

    assert [(f.field, bool(f.line)) for f in no.value.faults] == [("connectors.west", True)]
    assert (await rollback(office.hub, 1, author="ada", via="test", force=True)).version == 3


async def test_an_integration_in_use_is_not_removed(office: Office) -> None:
    """S51: within a day of its last request; a repeat that keeps no request of its own counts as one."""
    await office.page(create())
    office.clock.advance(hours=20)
    assert "20 h ago" in (await refused(office, NO_SENDER))["integrations.prometheus"]
    await office.say(create())
    office.clock.advance(hours=23)
    assert "23 h ago" in (await refused(office, NO_SENDER))["integrations.prometheus"]
    await office.rows("DELETE FROM raw_request")
    assert "23 h ago" in (await refused(office, NO_SENDER))["integrations.prometheus"]
    office.clock.advance(hours=1)
    assert (await apply(office, NO_SENDER)).changed


@pytest.mark.parametrize(
    "text", [pytest.param(WEST, id="asked"), pytest.param(CONFIG, id="still to be asked")]
)
async def test_a_connector_with_open_incidents_is_not_removed(office: Office, text: str) -> None:
    """S51: neither where an incident lives nor where its page may still go."""
    await apply(office, LATER)
    await office.page(create())
    gone = "east" if text is WEST else "west"
    assert "INC-1 is open there" in (await refused(office, text))[f"connectors.{gone}"]

    await office.say(resolve())
    await office.decide()
    await office.deliver()
    told: Any = await configure.compare(
        office.hub, text, environment={**ENVIRONMENT, "BELL_URL": office.bell.url}, file_name="hub.yaml"
    )
    assert f"connectors.{gone}" not in {fault.field for fault in told.refusals}
