"""The configuration in force: applied once, compared without doing, and never a secret in sight."""

import asyncio
import json

import pytest

from tocsin.core.errors import BadInput
from tocsin.engine import configure

from .conftest import OpenNode
from .office import CONFIG, ENVIRONMENT, Office, create

BAD = [
    pytest.param(CONFIG.replace("routing:", "ruoting:"), "ruoting", id="a misspelt section"),
    pytest.param(CONFIG.replace("[east]}]", "[easst]}]"), "easst", id="a connector that is not there"),
    pytest.param(CONFIG.replace("type: bell", "type: bel"), "bel", id="a provider that is not there"),
    pytest.param(CONFIG.replace("page: everybody", "when: 'alert.', page: everybody"), "routing", id="an expression"),
    pytest.param(CONFIG.replace("${BELL_KEY}", "${NOT_SET}"), "NOT_SET", id="a variable that is not set"),
    pytest.param(CONFIG.replace('base_url: "${BELL_URL}", ', ""), "base_url", id="what the provider itself refuses"),
    pytest.param("services: [", "", id="no YAML"),
]  # fmt: skip


async def test_the_same_text_twice_is_one_version(office: Office) -> None:
    """Also on two nodes at once; a change makes the next."""
    await office.configure()
    await asyncio.gather(office.configure(), office.configure())

    assert await office.rows("SELECT version FROM config_version") == [(1,)]
    await office.configure(CONFIG.replace("database: {}", "database: {}, third: {}"))
    assert await office.rows("SELECT version FROM config_version ORDER BY 1") == [(1,), (2,)]
    assert office.hub.policy.version == 2
    assert "third" in office.hub.policy.services


async def test_two_different_texts_at_once_are_two_versions(office: Office, node: OpenNode) -> None:
    """Both are kept, one after the other, and both nodes end with the later."""
    other = await node()
    texts = [CONFIG.replace("database: {}", f"database: {{}}, {name}: {{}}") for name in ("third", "fourth")]
    await asyncio.gather(office.configure(texts[0]), other.configure(texts[1]))
    for each in (office, other):
        await configure.refresh(each.hub)

    assert await office.rows("SELECT version FROM config_version ORDER BY 1") == [(1,), (2,), (3,)]
    assert office.hub.policy.services.keys() == other.hub.policy.services.keys()


async def test_a_comparison_changes_nothing(office: Office) -> None:
    """It tells what an apply would do, as a diff."""
    environment = {**ENVIRONMENT, "BELL_URL": office.bell.url}
    text = CONFIG.replace("urgency: high", "urgency: low")
    told = await configure.compare(office.hub, text, environment=environment, file_name="hub.yaml")
    same = await configure.compare(office.hub, CONFIG, environment=environment, file_name="hub.yaml")

    assert (told.changed, told.version, same.changed, same.diff) == (True, 1, False, "")
    changes = [line for line in told.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [line[0] + line[1:].strip() for line in changes] == ["-urgency: high", "+urgency: low"]
    assert await office.value("SELECT count(*) FROM config_version") == 1
    assert office.hub.policy.version == 1


@pytest.mark.parametrize(("text", "named"), BAD)
async def test_a_bad_file_leaves_the_old_in_force(office: Office, text: str, named: str) -> None:
    """Refused with the place; version, credentials and paging stay as they were."""
    before = await office.rows("SELECT name, sealed FROM secret ORDER BY name")
    with pytest.raises(BadInput) as refused:
        await office.configure(text)

    assert named in f"{refused.value.message} {refused.value.faults}"
    assert all(fault.line for fault in refused.value.faults)
    assert office.hub.policy.version == 1
    assert await office.rows("SELECT name, sealed FROM secret ORDER BY name") == before
    await office.page(create())
    assert len(office.bell.rings) == 1


async def test_no_secret_is_in_a_document_a_diff_or_a_log(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the old nor the new credential, wherever one looks; a changed one is used at once."""
    new = "another-key-nobody-may-see"
    environment = {**ENVIRONMENT, "BELL_URL": office.bell.url, "BELL_KEY": new}
    told = await configure.compare(office.hub, CONFIG, environment=environment, file_name="hub.yaml")
    applied = await configure.apply(
        office.hub, CONFIG, environment=environment, file_name="hub.yaml", author="ada", origin="test"
    )
    await office.page()
    tables = [name for (name,) in await office.rows("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")]  # fmt: skip
    everything = [str(await office.rows(f"SELECT row_to_json(t)::text FROM {table} t")) for table in tables]
    seen = "".join([told.diff, applied.diff, *capsys.readouterr(), *everything, repr(applied)])

    assert "configuration_applied" in seen
    for secret in (*ENVIRONMENT.values(), new):
        assert secret not in seen
    settings = office.hub.active.settings_of(office.hub.policy.connectors["east"]).settings
    assert settings["api_key"] == new
    (document,) = await office.rows("SELECT document FROM config_version")
    assert json.dumps({"$secret": "connectors.east.api_key"}) in json.dumps(document)


async def test_an_empty_installation_has_a_policy(node: OpenNode) -> None:
    """Before the first configuration: nothing to page, but every alert is taken and decided."""
    empty = await node()
    await empty.page()

    assert empty.hub.policy.version == 0
    assert await empty.value("SELECT count(*) FROM alert WHERE undecided_since IS NULL") == 1
    assert await empty.value("SELECT count(*) FROM effect") == 0
