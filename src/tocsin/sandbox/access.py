"""Whose token does a simulated vendor accept?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Access:
    """Any token is good unless `required` names the only one. Some words always mean trouble, to rehearse it.

    `revoked` and `wrong-region` are refused as unknown; `read-only` may read but not write; `team-only` has no access to
    what is set up.
    """

    required: str | None = None

    def knows(self, token: str) -> bool:
        if not token or token in ("revoked", "wrong-region"):
            return False
        return self.required is None or token == self.required

    def may_write(self, token: str) -> bool:
        return token != "read-only"  # noqa: S105 a word with a meaning here, not a password

    def may_configure(self, token: str) -> bool:
        return token != "team-only"  # noqa: S105 the same
