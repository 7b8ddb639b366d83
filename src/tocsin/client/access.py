"""Who may call the API? Tokens, users, links, and who the server takes the caller for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from tocsin.client.house import House
from tocsin.client.shapes import Page, Shape, shaped


class Who(Shape):
    """Who the server takes the caller for. `role` empty = scopes alone; `teams` empty = they act for all."""

    name: str = ""
    scopes: list[str] = msgspec.field(default_factory=list)
    role: str = ""
    teams: list[str] = msgspec.field(default_factory=list)
    user: str = ""
    demo: bool = False
    version: str = ""
    public_url: str = ""


class Token(Shape):
    """An API token; `token` itself is only in the answer that made it. `user` = whose it is."""

    id: str = ""
    name: str = ""
    scopes: list[str] = msgspec.field(default_factory=list)
    role: str = ""
    teams: list[str] = msgspec.field(default_factory=list)
    user: str = ""
    made_by: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    token: str = ""


class SessionLink(Shape):
    """A one-time address for a browser."""

    url: str = ""


class User(Shape):
    """A person of the configuration, and what they may."""

    id: str = ""
    shown: str = ""
    email: str = ""
    role: str = ""
    teams: list[str] = msgspec.field(default_factory=list)


class Access(House):
    """Tokens, users and sessions of a server."""

    def tokens(self) -> Page[Token]:
        """The API tokens, without their secret."""
        return self._page("/api/v1/tokens", Token, {})

    def token(self, token_id: str) -> Token:
        """One by its id, also one that was revoked; without its secret."""
        return self._one(f"/api/v1/tokens/{quote(token_id, safe='')}", Token)

    def create_token(
        self, name: str, scopes: Sequence[str] = (), *, role: str = "", teams: Sequence[str] = (), user: str = "",
        expires_at: str = "",
    ) -> Token:  # fmt: skip
        """Make a token, with a role or with scopes; its secret is in this answer and never again. `expires_at` is
        RFC 3339 or empty; `user` = whose it is."""
        given = {
            "scopes": list(scopes),
            "role": role,
            "teams": list(teams),
            "user": user,
            "expires_at": expires_at,
        }
        body = {"name": name} | {key: value for key, value in given.items() if value}
        return shaped(self.call("POST", "/api/v1/tokens", json_body=body).json(), Token)

    def rotate_token(self, token_id: str) -> Token:
        """A new secret for the same; the old one is useless at once."""
        path = f"/api/v1/tokens/{quote(token_id, safe='')}/rotate"
        return shaped(self.call("POST", path, json_body={}).json(), Token)

    def revoke_token(self, token_id: str) -> None:
        """Make a token useless, at once. Conflict when it is the last one of an administrator."""
        self.call("DELETE", f"/api/v1/tokens/{quote(token_id, safe='')}")

    def users(self, *, limit: int = 500, cursor: str = "") -> Page[User]:
        """The people of the configuration."""
        return self._page("/api/v1/users", User, {"limit": limit, "cursor": cursor})

    def user(self, name: str) -> User:
        """One of them, by their id."""
        return self._one(f"/api/v1/users/{quote(name, safe='')}", User)

    def whoami(self) -> Who:
        """Who the server takes this token for."""
        return self._one("/api/v1/whoami", Who)

    def session_link(self, *, user: str = "") -> str:
        """A one-time address that signs a browser in: as the caller within ten minutes, as `user` within a day."""
        body = {"user": user} if user else {}
        return shaped(self.call("POST", "/api/v1/session/link", json_body=body).json(), SessionLink).url

    def sign_out(self) -> None:
        """End the session that the caller's cookie stands for; of no use with a token."""
        self.call("DELETE", "/api/v1/session")
