"""Which servers does this user know by name, and which is meant now?

`$XDG_CONFIG_HOME/im/config.yaml` holds names and addresses; each token lies in a file of its own below
`$XDG_STATE_HOME/im/tokens`, readable by its owner alone. XDG: https://specifications.freedesktop.org/basedir-spec/latest/
(2026-11-20).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.cli.failures import Code, Failure, Usage

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


class NoSuchContext(Failure):
    """A name that no context has."""

    code = Code.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Context:
    """A server with a name. `token_file` may not be there: then the context has no token of its own."""

    name: str
    url: str
    token_file: Path

    @property
    def token(self) -> str:
        """What the file holds; "" without one."""
        try:
            return self.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""


@dataclass(slots=True)
class Contexts:
    """Everything known, in order of name."""

    file: Path
    tokens: Path
    current: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Context:
        """One of them. Raises NoSuchContext."""
        if name not in self.known:
            names = ", ".join(self.known) or "there is none yet"
            raise NoSuchContext(
                f"there is no context {name!r} ({names})", hint="im context add NAME --server URL makes one"
            )
        return Context(name, self.known[name], self.tokens / name)

    def save(self) -> None:
        """Write the file anew, whole or not at all."""
        import yaml

        known = {name: {"url": url} for name, url in sorted(self.known.items())}
        text = yaml.safe_dump(
            {"current": self.current, "contexts": known}, sort_keys=False, allow_unicode=True
        )
        _write(self.file, text, 0o644)

    def keep_token(self, name: str, token: str) -> None:
        """Store a token, readable by its owner alone."""
        _write(self.tokens / name, token + "\n", 0o600)

    def forget(self, name: str) -> None:
        """Take a context out, with its token."""
        self.named(name)
        del self.known[name]
        self.current = "" if self.current == name else self.current
        self.save()
        with contextlib.suppress(FileNotFoundError):
            (self.tokens / name).unlink()


def check_name(name: str) -> None:
    """Raises Usage for what cannot name a context: it is the name of a file too."""
    if not _NAME.match(name):
        raise Usage(f"{name!r} cannot name a context", hint="use letters, digits, '.', '_' and '-'")


def read_contexts(environ: Mapping[str, str]) -> Contexts:
    """What the file holds; nothing when there is none. Raises Failure for one that cannot be read."""
    home = Path(environ.get("HOME") or Path.home())
    file = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "im" / "config.yaml"
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local/state") / "im" / "tokens"
    found = Contexts(file, state)
    try:
        text = file.read_text()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return found
    import yaml

    try:
        held = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506 - both are safe
        found.known = {
            str(name): str(one["url"]) for name, one in sorted((held.get("contexts") or {}).items())
        }
        found.current = str(held.get("current") or "")
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise Failure(
            f"{file} cannot be read: {str(error).splitlines()[0]}",
            hint="mend it, or move it away and use im context add",
        ) from error
    return found


def _write(path: Path, text: str, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from error
