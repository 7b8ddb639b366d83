"""One entry changed by command is the next version of the whole, and a file laid over it later is honest about it."""

import asyncio
import json
from typing import Any

import pytest

from tocsin.core.errors import BadInput, Conflict
from tocsin.engine import configure, edit
from tocsin.engine.configure import Applied
from tocsin.engine.rollback import rollback
from tocsin.engine.weigh import Unsafe
from tocsin.policy import entry_of, marks_of

from .conftest import OpenNode
from .office import CONFIG, ENVIRONMENT, Office, create

SECRET = "west-key-nobody-may-see"


def west(office: Office, **more: Any) -> dict[str, Any]:
    return {"type": "bell", "base_url": office.bell.url, "api_key": SECRET, **more}


async def put(office: Office, name: str, entry: Any, *, section: str = "connectors", **more: Any) -> Applied:
    return await edit.change_entry(
        office.hub, section, name, lambda _: entry, author="ada", origin="test", **more
    )


async def update(office: Office, name: str, **settings: Any) -> Applied:
    return await edit.change_entry(
        office.hub, "connectors", name, lambda entry: {**entry, **settings}, author="ada", origin="test"
    )


async def lay(
    office: Office, text: str = CONFIG, *, start: bool = False, prune: bool = False, **environment: str
) -> Applied:
    return await configure.apply(
        office.hub, text, environment={**ENVIRONMENT, "BELL_URL": office.bell.url, **environment}, file_name="hub.yaml",
        author="bo", origin="test", force=True, start=start, prune=prune,
    )  # fmt: skip


async def sealed(office: Office) -> dict[str, bytes]:
    return dict(await office.rows("SELECT name, sealed FROM secret"))  # type: ignore[arg-type]


async def document(office: Office) -> dict[str, Any]:
    found = await office.value("SELECT document FROM config_version ORDER BY version DESC LIMIT 1")
    return dict(found)


def key_of(office: Office, name: str) -> Any:
    return office.hub.active.settings_of(office.hub.policy.connectors[name]).settings["api_key"]


async def test_an_entry_made_by_command_is_the_next_version(office: Office, node: OpenNode) -> None:
    """In force here at once and at the next look elsewhere; the others' credentials lie as they lay."""
    other, before = await node(), await sealed(office)
    done = await put(office, "west", west(office))

    assert (done.version, done.changed) == (2, True)
    assert "+  west:" in done.diff
    assert "+# connectors.west: made by command" in done.diff
    assert SECRET not in done.diff
    assert SECRET not in json.dumps(await document(office))
    assert key_of(office, "west") == SECRET
    assert list(office.hub.policy.connectors) == ["east", "west"]
    rows = await office.rows("SELECT author, origin FROM config_version WHERE version = 2")
    assert rows == [("ada", "connectors.west (test)")]
    after = await sealed(office)
    assert {name: after[name] for name in before} == before
    await configure.refresh(other.hub)
    assert key_of(other, "west") == SECRET


async def test_a_credential_that_is_not_given_again_stays(office: Office) -> None:
    await put(office, "west", west(office, webhook_secrets=["old-hook-secret", "new-hook-secret"]))
    before = await sealed(office)
    await update(office, "west", sync_interval="2m")

    assert key_of(office, "west") == SECRET
    assert await sealed(office) == before


async def test_of_a_list_of_credentials_one_goes_and_one_comes(office: Office) -> None:
    """What moved up in the list keeps its own value; the new one does not take its place."""
    await put(office, "west", west(office, webhook_secrets=["old-hook-secret", "new-hook-secret"]))
    kept = entry_of(await document(office), "connectors", "west")
    assert isinstance(kept, dict)
    await update(office, "west", webhook_secrets=[kept["webhook_secrets"][1], "newest-hook-secret"])

    settings = office.hub.active.settings_of(office.hub.policy.connectors["west"]).settings
    assert settings["webhook_secrets"] == ["new-hook-secret", "newest-hook-secret"]


async def test_an_edit_cannot_borrow_the_credential_of_another(office: Office) -> None:
    """It would be sent wherever the new entry says."""
    with pytest.raises(BadInput) as refused:
        await put(office, "west", west(office, api_key={"$secret": "connectors.east.api_key"}))

    assert refused.value.faults[0].field == "connectors.west.api_key"
    assert await office.value("SELECT count(*) FROM config_version") == 1


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        pytest.param({"type": "bel"}, "connectors.west.type", id="a type that is not there"),
        pytest.param({"sync_intervall": "2m"}, "connectors.west.sync_intervall", id="a misspelt key"),
        pytest.param({"sync_interval": "soon"}, "connectors.west.sync_interval", id="no duration"),
        pytest.param({"sync_direction": "both"}, "connectors.west.sync_direction", id="no direction"),
        pytest.param({"base_url": "http://bell.example.com"}, "connectors.west.base_url", id="plain http"),
        pytest.param({"base_url": None}, "connectors.west.base_url", id="what the provider refuses"),
    ],
)  # fmt: skip
async def test_a_bad_edit_names_its_field_and_changes_nothing(
    office: Office, entry: dict[str, Any], field: str
) -> None:
    before = await sealed(office)
    with pytest.raises(BadInput) as refused:
        await put(office, "west", west(office) | entry)

    assert [fault.field for fault in refused.value.faults] == [field]
    assert SECRET not in f"{refused.value.message} {refused.value.faults}"
    assert await sealed(office) == before
    assert office.hub.policy.version == 1


async def test_what_the_rest_needs_is_not_removed(office: Office) -> None:
    """The whole is checked, not the entry alone."""
    with pytest.raises(BadInput) as refused:
        await put(office, "east", None)

    assert refused.value.faults[0].field.startswith("escalation_policies.everybody")


async def test_what_would_cost_pages_is_refused_unless_forced(office: Office) -> None:
    """S51 holds for an edit as for a file; a rehearsal tells it without changing anything."""
    await office.page(create())
    with pytest.raises(Unsafe) as refused:
        await update(office, "east", base_url="http://127.0.0.1:9")
    told = await put(office, "prometheus", None, section="integrations", dry_run=True)

    assert "--force" in refused.value.hint
    assert [fault.field for fault in told.refusals] == ["integrations.prometheus"]
    assert office.hub.policy.version == 1
    assert (await put(office, "prometheus", None, section="integrations", force=True)).version == 2


async def test_two_edits_at_once_both_hold(office: Office, node: OpenNode) -> None:
    """On two nodes: the second starts from what the first left."""
    other = await node()
    names = [f"west-{number}" for number in range(6)]
    await asyncio.gather(
        *(put(office if n % 2 else other, name, west(office)) for n, name in enumerate(names)),
        update(office, "east", sync_interval="7m"),
        update(other, "east", enable_webhook=False),
    )
    await configure.refresh(office.hub)

    assert set(office.hub.policy.connectors) == {"east", *names}
    east = office.hub.policy.connectors["east"]
    assert (east.sync_interval.total_seconds(), east.enable_webhook) == (420, False)
    assert await office.value("SELECT max(version) FROM config_version") == 9


async def test_an_edit_that_says_what_holds_is_no_version(office: Office) -> None:
    await put(office, "west", west(office))
    again = await put(office, "west", west(office))

    assert (again.version, again.changed) == (2, False)


async def test_a_rollback_takes_an_edit_back_whole(office: Office) -> None:
    """Entry and mark; and forward again, with the credential kept for a week."""
    await put(office, "west", west(office))
    await rollback(office.hub, 1, author="ada", via="test")
    assert not marks_of(await document(office))
    await rollback(office.hub, 2, author="ada", via="test")

    assert key_of(office, "west") == SECRET
    assert set(marks_of(await document(office))) == {("connectors", "west")}


async def test_with_a_lost_secret_key_what_is_touched_must_be_given_again(
    office: Office, node: OpenNode
) -> None:
    """The rest stays sealed as it is, and says that it was not looked at."""
    await put(office, "west", west(office))
    before = await sealed(office)
    stranger = await node(key="another secret key than before")
    with pytest.raises(BadInput, match="give it again"):
        await update(stranger, "west", sync_interval="2m")
    done = await update(stranger, "west", sync_interval="2m", api_key="given-again-0001")

    assert any("connectors.east" in warning for warning in done.warnings)
    after = await sealed(office)
    assert {n for n in after if after[n] != before[n]} == {"connectors.west.api_key"}


async def test_an_integration_keeps_its_key_or_gets_a_new_one(office: Office) -> None:
    hashed = configure.hash_of_key(ENVIRONMENT["AM_KEY"])

    def paused(entry: Any) -> Any:
        return {**entry, "paused": True}

    await edit.change_entry(office.hub, "integrations", "prometheus", paused, author="ada", origin="test")
    assert set(office.hub.active.by_key_hash) == {hashed}
    assert office.hub.policy.integrations["prometheus"].paused
    await put(
        office, "prometheus", {"source": "webhook", "key": "a-new-key-of-the-senders"}, section="integrations"
    )
    assert set(office.hub.active.by_key_hash) == {configure.hash_of_key("a-new-key-of-the-senders")}


async def test_a_rule_is_put_before_the_one_that_takes_all(office: Office) -> None:
    """Sections that are lists have entries too, by their `name`."""
    await put(office, "the web", {"when": 'service.name == "web"', "page": "everybody"}, section="routing")
    await put(office, "the web", {"when": 'service.name == "web2"', "page": "everybody"}, section="routing")

    assert next((rule.name, rule.when.text) for rule in office.hub.policy.routing) == (
        "the web",
        'service.name == "web2"',
    )
    assert [rule.name for rule in office.hub.policy.routing][1] == "all"
    await put(office, "the web", None, section="routing")
    assert next(rule.name for rule in office.hub.policy.routing) == "all"


# ---- a file over it ----------------------------------------------------------------------------------------


async def test_a_file_that_does_not_name_it_leaves_it_and_says_so(office: Office) -> None:
    await put(office, "west", west(office))
    done = await lay(office)

    assert (done.version, done.changed) == (2, False)
    assert any("connectors.west: was made by command" in w and "--prune" in w for w in done.warnings)
    assert key_of(office, "west") == SECRET


async def test_a_file_may_use_what_a_command_made(office: Office) -> None:
    await put(office, "west", west(office))
    done = await lay(office, CONFIG.replace("[{all: [east]}]", "[{all: [east]}, {after: 5m, all: [west]}]"))

    assert done.version == 3
    assert "west" in office.hub.policy.connectors


async def test_prune_removes_what_the_file_does_not_name(office: Office) -> None:
    await put(office, "west", west(office))
    done = await lay(office, prune=True)

    assert "-  west:" in done.diff
    assert list(office.hub.policy.connectors) == ["east"]
    assert not marks_of(await document(office))


async def test_a_name_in_both_belongs_to_the_file(office: Office) -> None:
    await put(office, "west", west(office, sync_interval="2m"))
    text = CONFIG + '  west: {type: bell, base_url: "${BELL_URL}", api_key: the-key-of-the-file}\n'
    done = await lay(office, text)

    assert any("connectors.west" in w and "the file's entry counts" in w for w in done.warnings)
    assert key_of(office, "west") == "the-key-of-the-file"
    assert not marks_of(await document(office))
    assert "-    sync_interval: 2m" in done.diff


async def test_the_next_file_takes_a_change_back_and_says_so(office: Office) -> None:
    """Once: then it is as if nothing had been."""
    await update(office, "east", sync_interval="2m")
    done = await lay(office)
    again = await lay(office)

    assert any(
        "connectors.east: was changed by command; the file takes that back" in w for w in done.warnings
    )
    assert "-    sync_interval: 2m" in done.diff
    assert not any("by command" in w for w in again.warnings)
    assert not again.changed


async def test_what_was_removed_by_command_comes_back_with_the_file(office: Office) -> None:
    text = CONFIG + '  west: {type: bell, base_url: "${BELL_URL}", api_key: the-key-of-the-file}\n'
    await lay(office, text)
    await put(office, "west", None)
    assert "west" not in office.hub.policy.connectors
    done = await lay(office, text)

    assert any(
        "connectors.west: was removed by command; the file takes that back" in w for w in done.warnings
    )
    assert "west" in office.hub.policy.connectors


async def test_a_file_that_says_the_same_by_now_has_caught_up(office: Office) -> None:
    await update(office, "east", sync_interval="2m")
    done = await lay(office, CONFIG.replace("{type: bell,", "{type: bell, sync_interval: 2m,"))

    assert not any("by command" in w for w in done.warnings)
    assert not marks_of(await document(office))


async def test_a_change_undone_by_command_leaves_no_mark(office: Office) -> None:
    await update(office, "east", sync_interval="2m")
    await edit.change_entry(
        office.hub, "connectors", "east", lambda e: {k: v for k, v in e.items() if k != "sync_interval"}, author="ada", origin="test"
    )  # fmt: skip

    assert not marks_of(await document(office))


async def test_a_key_given_by_command_is_not_exchanged_in_silence(office: Office) -> None:
    """The key in the environment of whoever applies may be the old one."""
    await update(office, "east", api_key="rotated-by-command-01")
    done = await lay(office)

    assert any("connectors.east: the file's api_key takes the place" in w for w in done.warnings)
    assert key_of(office, "east") == ENVIRONMENT["BELL_KEY"]


async def test_a_start_takes_nothing_back(office: Office) -> None:
    """A hub that starts again at night with its old file: what was made, changed, rotated and removed by command holds."""
    text = CONFIG + '  old: {type: bell, base_url: "${BELL_URL}", api_key: the-key-of-the-file}\n'
    await lay(office, text)
    await put(office, "west", west(office))
    await update(office, "east", sync_interval="2m", api_key="rotated-by-command-01")
    await put(office, "old", None)
    version = office.hub.policy.version
    done = await lay(office, text, start=True)

    assert (done.version, done.changed) == (version, False)
    assert list(office.hub.policy.connectors) == ["east", "west"]
    assert key_of(office, "east") == "rotated-by-command-01"
    assert office.hub.policy.connectors["east"].sync_interval.total_seconds() == 120
    assert any("connectors.east" in w and "im apply -f" in w for w in done.warnings)


async def test_a_start_takes_what_the_file_itself_changed(office: Office) -> None:
    """The file is newer than the command then; a key in the environment that no command touched is taken too."""
    await update(office, "east", sync_interval="2m")
    rotated = await lay(office, start=True, BELL_KEY="rotated-in-the-environment")
    assert key_of(office, "east") == "rotated-in-the-environment"
    assert not rotated.changed
    await lay(office, CONFIG.replace("{type: bell,", "{type: bell, enable_webhook: false,"), start=True)

    east = office.hub.policy.connectors["east"]
    assert (east.enable_webhook, east.sync_interval.total_seconds()) == (False, 300)


async def test_what_stays_and_no_longer_fits_is_told_as_made_by_command(office: Office) -> None:
    """No line of the file could say it."""
    await lay(office, CONFIG + "teams: {ops: {}}\n")
    await put(office, "api", {"team": "ops"}, section="services")
    with pytest.raises(BadInput) as refused:
        await lay(office)

    (fault,) = refused.value.faults
    assert fault.field == "services.api.team"
    assert "made by command" in fault.message
    assert "--prune" in fault.message


async def test_a_change_that_raises_changes_nothing(office: Office) -> None:
    def refuse(entry: Any) -> Any:
        raise Conflict("There is one of this name")

    with pytest.raises(Conflict):
        await edit.change_entry(office.hub, "connectors", "east", refuse, author="ada", origin="test")
    assert await office.value("SELECT count(*) FROM config_version") == 1
