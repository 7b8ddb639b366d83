"""Which user of the configuration is meant by a word: an id, a name or an e-mail address?"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.core.policy import User


def user_named(users: Mapping[str, User], word: str) -> User | None:
    """By id first, then by e-mail address, then by name, without regard to case; None for nobody and for a name that
    two have."""
    wanted = word.strip().casefold()
    if not wanted:
        return None
    for what in ("id", "email", "name"):
        found = [user for user in users.values() if getattr(user, what).casefold() == wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def known_as(users: Mapping[str, User], word: str) -> str:
    """How an incident names somebody: a user by name, or by id where two have that name; anybody else in the words that
    were told."""
    user = user_named(users, word)
    if user is None:
        return word.strip()
    return user.name if user_named(users, user.name) is user else user.id


def shown_as(users: Mapping[str, User], word: str) -> str:
    """For people: "Bo", whatever word stands for him."""
    user = user_named(users, word)
    return user.name if user else word


def same_person(users: Mapping[str, User], one: str, other: str) -> bool:
    """True when both words mean one person; two that nobody knows are the same when they are written alike."""
    return known_as(users, one).casefold() == known_as(users, other).casefold() != ""
