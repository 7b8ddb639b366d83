"""Back to an older version in one step, under the checks of an apply; credentials are today's (RO-11, S50)."""

from typing import Any

import pytest

from tocsin.core.errors import BadInput, Conflict, NotFound
from tocsin.engine import configure
from tocsin.engine.configure import Applied
from tocsin.engine.rollback import compare, rollback

from .conftest import OpenNode
from .office import CONFIG, ENVIRONMENT, Office, create

THIRD = CONFIG.replace("database: {}", "database: {}, third: {}")
WEST = CONFIG.replace(
    "connectors:",
    'connectors:\n  west: {type: bell, base_url: "${BELL_URL}", api_key: "west-key-nobody-may-see"}',
)


async def back(office: Office, number: int, **more: Any) -> Applied:
    return await rollback(office.hub, number, author="ada", via="test", **more)


async def test_a_rollback_is_a_new_version_that_says_what_the_old_one_said(office: Office) -> None:
    """The old ones stay as they are; the new one names its origin and is used at once."""
    await office.configure(THIRD)
    done = await back(office, 1)

    assert (done.version, done.changed) == (3, True)
    assert "-  third: {}" in done.diff
    rows = await office.rows("SELECT version, hash, author, origin, document FROM config_version ORDER BY 1")
    assert rows[2][1:] == (rows[0][1], "ada", "rollback to version 1 (test)", rows[0][4])
    assert "third" in rows[1][4]["services"]
    assert "third" not in office.hub.policy.services
    await office.page(create())
    assert len(office.bell.rings) == 1


async def test_a_rehearsed_rollback_changes_nothing(office: Office) -> None:
    await office.configure(THIRD)
    foreseen = await back(office, 1, dry_run=True)

    assert (foreseen.version, foreseen.changed) == (2, True)
    assert foreseen.diff == (await back(office, 1)).diff
    assert await office.value("SELECT count(*) FROM config_version") == 3


async def test_going_back_to_what_is_in_force_makes_no_version(office: Office) -> None:
    done = await back(office, 1)

    assert (done.version, done.changed, done.diff) == (1, False, "")


async def test_a_removed_connector_comes_back_with_its_credential(office: Office) -> None:
    """Its key was kept, sealed, for a week: nobody has to find it at night."""
    await office.configure(WEST)
    await office.configure()
    await back(office, 2)

    settings = office.hub.active.settings_of(office.hub.policy.connectors["west"]).settings
    assert settings["api_key"] == "west-key-nobody-may-see"


async def test_a_credential_that_is_gone_is_named_and_refuses_it(office: Office) -> None:
    """With the line of the shown version; nothing changes (S50: a version holds no credentials)."""
    await office.configure(WEST)
    office.clock.advance(days=1)
    await office.configure()
    office.clock.advance(days=8)
    await office.configure(THIRD)
    with pytest.raises(BadInput) as refused:
        await back(office, 2)

    (fault,) = refused.value.faults
    assert fault.field == "connectors.west.api_key"
    assert fault.line is not None
    assert "connectors.west.api_key" in refused.value.message
    assert "im config show" in refused.value.hint
    assert office.hub.policy.version == 4
    assert await office.value("SELECT count(*) FROM config_version") == 4


async def test_a_key_that_was_rotated_stays_rotated(office: Office) -> None:
    """The senders know the new key only: the old policy comes back, the old key does not."""
    await office.configure(THIRD.replace("${AM_KEY}", "a-new-key-of-the-senders"))
    await back(office, 1)

    assert "third" not in office.hub.policy.services
    assert set(office.hub.active.by_key_hash) == {configure.hash_of_key("a-new-key-of-the-senders")}


async def test_a_version_that_no_longer_passes_the_checks_is_refused(office: Office) -> None:
    """Here its provider is gone since; the fault names field and line of the shown text."""
    await office.configure(THIRD)
    office.hub.providers = {}
    with pytest.raises(BadInput) as refused:
        await back(office, 1)

    assert [f.field for f in refused.value.faults] == ["connectors.east.type"]
    assert all(f.line for f in refused.value.faults)
    assert office.hub.policy.version == 2


async def test_no_rollback_while_the_secret_key_is_lost(office: Office, node: OpenNode) -> None:
    """What cannot be opened cannot be checked; it says which key to give back."""
    await office.configure(THIRD)
    stranger = await node(key="another secret key than before")
    with pytest.raises(Conflict, match="TOCSIN_SECRET_KEY"):
        await back(stranger, 1)

    assert await office.value("SELECT count(*) FROM config_version") == 2


@pytest.mark.parametrize("number", [0, -1, 7, 2**70])
async def test_a_version_that_never_was_is_not_found(office: Office, number: int) -> None:
    with pytest.raises(NotFound, match="There is no version"):
        await back(office, number)


async def test_any_two_versions_can_be_compared(office: Office) -> None:
    """Either way round; credentials appear as names only, never a value."""
    await office.configure(WEST)
    await office.configure(THIRD)
    forth, again = await compare(office.hub, 2, 3), await compare(office.hub, 3, 2)
    latest = await compare(office.hub, 1, None)

    assert (forth[:2], again[:2], latest[:2]) == ((2, 3), (3, 2), (1, 3))

    def signs(text: str) -> list[str]:
        return sorted(x for x in text.splitlines() if x[0] in "+-" and not x.startswith(("+++", "---")))

    assert signs(forth[2]) == sorted(
        line.translate(str.maketrans("+-", "-+", "")) for line in signs(again[2])
    )
    assert "connectors.west.api_key" in forth[2]
    assert not [value for value in ("west-key-nobody-may-see", *ENVIRONMENT.values()) if value in forth[2]]
