"""Under which account does PostgreSQL run, and what can that account reach?

PostgreSQL refuses to run as root. A hub that is root lends it an unprivileged account that is there already;
it makes no account and changes no mode outside the data folder.
"""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.postgres.errors import PostgresUnavailable

# In this order. `postgres` is not the first: it may belong to another server of this machine, whose own
# superusers could then reach this one's files.
LENT_ACCOUNTS = ("nobody", "daemon", "postgres")


@dataclass(frozen=True, slots=True)
class Account:
    """The account that owns the cluster. `lent` when the hub is root and must change to it."""

    name: str
    uid: int
    gid: int
    lent: bool

    def popen(self) -> dict[str, Any]:
        """The arguments of `subprocess` that make a child run under this account."""
        if not self.lent:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give one file or folder to this account."""
        if self.lent:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        **more: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end under this account, with no rights and no environment of ours.

        Code 126 when it may not be run (or we may not change to the account: a container without the
        capability, for one), 127 when it is missing or not for this machine; the reason is in `stderr`.
        """
        try:
            return subprocess.run(  # noqa: S603 - a fixed list, no shell
                command,
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                cwd="/",
                env=dict(env or {"PATH": "/usr/bin:/bin"}),
                check=False,
                **self.popen(),
                **more,
            )
        except PermissionError as refused:
            return subprocess.CompletedProcess(list(command), 126, "", str(refused))
        except OSError as missing:
            return subprocess.CompletedProcess(list(command), 127, "", str(missing))

    def can_enter(self, folder: Path) -> bool:
        """Whether this account can reach the folder by its path (a parent may be closed to it)."""
        # Asked of the kernel, not worked out from modes: ACLs and security modules count too.
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0


def account_for(cluster: Path) -> Account:
    """The account to run PostgreSQL under: ourselves, or when root the cluster's owner or a lent account.

    Raises `PostgresUnavailable` when there is none, or the cluster belongs to somebody else.
    """
    uid = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if uid != 0:
        if owner not in (None, uid):
            raise PostgresUnavailable(f"{cluster} belongs to the account with uid {owner}, not to uid {uid}")
        try:
            mine = pwd.getpwuid(uid)
        except KeyError:
            raise PostgresUnavailable(
                f"uid {uid} has no entry in /etc/passwd, which PostgreSQL needs"
            ) from None
        return Account(mine.pw_name, uid, os.getegid(), lent=False)
    for found in _candidates(owner):
        account = Account(found.pw_name, found.pw_uid, found.pw_gid, lent=True)
        if account.run(["/bin/sh", "-c", ":"]).returncode == 0:
            return account
    wanted = f"the owner of {cluster} (uid {owner})" if owner else " or ".join(LENT_ACCOUNTS)
    raise PostgresUnavailable(f"it never runs as root, and root here cannot change to {wanted}")


def _candidates(owner: int | None) -> list[pwd.struct_passwd]:
    found = []
    # An existing cluster keeps its owner: its files are readable by nobody else.
    for key in [owner] if owner else LENT_ACCOUNTS:
        try:
            entry = pwd.getpwuid(key) if isinstance(key, int) else pwd.getpwnam(key)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            found.append(entry)
    return found
