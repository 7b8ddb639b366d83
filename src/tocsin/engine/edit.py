"""Change one thing of the configuration: the next version of the one document differs in one entry (ADR 0029)."""

from __future__ import annotations

from functools import partial

from tocsin import policy as policies
from tocsin.engine import configure
from tocsin.engine.configure import Applied, Basis
from tocsin.engine.hub import Hub
from tocsin.policy import Change, Loaded


async def change_entry(
    hub: Hub, section: str, name: str, change: Change, *, author: str, origin: str, force: bool = False, dry_run: bool = False,
    adds: bool = False,
) -> Applied:  # fmt: skip
    """Make `change` of one entry, `section`.`name`, and put the whole in force as the next version.

    `change` takes the entry as it is stored (None = there is none; credentials are `{"$secret": name}` markers) and gives
    it as it shall be (None = gone); what it leaves alone stays, credentials too. It may be called several times: when
    two change the configuration at once, the second starts from what the first left. `origin` says by which way, for
    people. `dry_run` = tell what would change. `adds` = the entry only adds to who can be paged: what is missing besides
    is told and not refused.

    Raises what `change` raises (NotFound, Conflict), BadInput with every fault of the whole document, Unsafe for what
    would cost pages now, unless `force` (S51).
    """

    def made(over: Basis) -> Loaded:
        secrets, _ = configure.opened(hub, over.sealed)
        loaded = policies.edit(
            over.document, section, name, change, secrets=secrets, known_sources=hub.known_sources,
            known_providers=hub.known_providers, check_settings=partial(configure.settings_faults, hub),
        )  # fmt: skip
        return configure.with_told_sources(hub, loaded)

    only = (name,) if section == "connectors" else ()
    if dry_run:
        return await configure.rehearse(hub, made, only, adds=adds)
    return await configure.change(
        hub, made, name=f"{section}.{name}", author=author, origin=f"{section}.{name} ({origin})", force=force, only=only,
        adds=adds,
    )  # fmt: skip
