"""What every benchmark stands on: a hub as its own process, a peer, a load, and how figures are shown.

Everything listens on 127.0.0.1, lives below a folder of its own in the temporary folder and ends with the
program. fsync is on: the embedded database's own default is kept, and checked.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Self

import asyncpg

HERE = Path(__file__).parent
TOKEN = "tsn_token-of-the-benchmarks"
CONNECTIONS = 64
# PYTHONPATH=/another/tree/src measures that one
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {
    "LANG": "C.UTF-8"
}


# a run that is cut off (timeout, systemd) takes its hubs with it
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Folder:
    """A folder below the temporary one, gone at the end. 711: as root PostgreSQL runs under another account."""

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
        self.path.chmod(0o711)
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


class Hub:
    """`im serve` on a data folder; `unlimited` = without the rate limits of the providers' manifests."""

    def __init__(
        self, folder: Path, config: str, *, unlimited: bool = False, port: int = 0, data: str = "data"
    ):
        self.data, self.port, self.unlimited = folder / data, port or free_port(), unlimited
        self.url = f"http://127.0.0.1:{self.port}"
        self._config = folder / f"{data}.yaml"
        self._config.write_text(config)
        self._log = (folder / f"{data}.log").open("ab")
        self.log_file = folder / f"{data}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Up until /readyz says so; the seconds it took."""
        program = HERE / "unlimited.py"
        im = Path(sys.executable).with_name("im")
        command = [sys.executable, str(program)] if self.unlimited else [str(im)]
        environment = {
            **ENVIRONMENT, "TOCSIN_DATA": str(self.data), "TOCSIN_PORT": str(self.port), "TOCSIN_CONFIG": str(self._config),
            "TOCSIN_ADMIN_TOKEN": TOKEN, "TOCSIN_SECRET_KEY": "a secret key of the benchmarks", "TOCSIN_HOST": "127.0.0.1",
        }  # fmt: skip
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [*command, "serve"], env=environment, stdout=self._log, stderr=self._log
        )
        while time.perf_counter() - began < 60:
            if self.process.poll() is not None:
                raise RuntimeError(f"the hub ended: {self.log_file.read_text('utf-8', 'replace')[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return time.perf_counter() - began
            except (OSError, urllib.error.URLError):
                time.sleep(0.01)
        raise RuntimeError("the hub is not ready after 60 s")

    def kill(self) -> None:
        """SIGKILL, as the kernel would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def connect(self) -> asyncpg.Connection[Any]:
        """A look into its database, past the hub."""
        connection = await asyncpg.connect(self.dsn)
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        return connection

    @property
    def dsn(self) -> str:
        lines = (self.data / "postgres/cluster/postmaster.pid").read_text().splitlines()
        return f"postgresql://tocsin@/tocsin?host={lines[4]}"

    async def ask(self, sql: str, *values: Any) -> Any:
        connection = await self.connect()
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    @property
    def postmaster(self) -> int:
        """The process id of its PostgreSQL."""
        return int((self.data / "postgres/cluster/postmaster.pid").read_text().splitlines()[0])

    def memory(self) -> dict[str, float]:
        """MiB: `hub` resident, `hub_own` and `database_own` proportional (shared pages counted once)."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        family = [self.postmaster, *children(self.postmaster)]
        return {
            "hub": resident / 1024,
            "hub_own": _proportional(self.process.pid),
            "database_own": sum(_proportional(pid) for pid in family),
        }


def children(parent: int) -> list[int]:
    """Process ids of a process's own children, now."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _proportional(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


class Alertmanager:
    """Debian's prometheus-alertmanager, without a cluster; `webhook` = where it notifies, at once."""

    def __init__(self, folder: Path, *, webhook: str = "") -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        receiver = f"\n    webhook_configs: [{{url: '{webhook}', send_resolved: false}}]" if webhook else ""
        config = folder / "alertmanager.yaml"
        config.write_text(
            "route: {receiver: it, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 4h}\n"
            f"receivers:\n  - name: it{receiver}\n"
        )
        self._command = [
            "prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=error",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("prometheus-alertmanager does not get ready")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


def wrk(
    url: str, form: str, *, seconds: float, keys: int, batch: int = 1, run: str = "r"
) -> dict[str, float]:
    """One run of wrk; accepted alerts a second besides what it says itself."""
    environment = {
        **ENVIRONMENT, "FORM": form, "KEYS": str(keys), "BATCH": str(batch), "RUN": run, "TOKEN": TOKEN,
    }  # fmt: skip
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(round(seconds), 1)}s", "-s", str(HERE / "alerts.lua"), url],
        env=environment, capture_output=True, text=True, timeout=seconds + 60, check=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result: dict[str, float] = json.loads(line.removeprefix("RESULT "))
    result["accepted"] = (result["requests"] - result["refused"]) * batch
    result["a_second"] = result["accepted"] / result["seconds"]
    return result


async def until(ask: Callable[[], Awaitable[bool]], *, seconds: float, every: float = 0.05) -> bool:
    """True once `ask` is; False after `seconds`."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if await ask():
            return True
        await asyncio.sleep(every)
    return False


def share(values: Sequence[float], part: float) -> float:
    """The value that `part` (0 to 1) of them do not exceed; nan without any."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else float("nan")


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def load() -> float:
    """The machine's load average of the last minute."""
    return os.getloadavg()[0]


def show(name: str, rows: Sequence[tuple[str, str, str, str]], **figures: Any) -> None:
    """An aligned table (what, measured, peer or ratio, target) and one line of JSON."""
    head = ("what", "measured", "beside it", "target")
    lines = [head, *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(4)]
    print()
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    figures = {"bench": name, "rows": rows, "load_average": round(load(), 2), **figures}
    print(json.dumps(figures, default=lambda value: round(float(value), 4)), flush=True)
