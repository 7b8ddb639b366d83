"""How does an answer reach the reader: an aligned table, TSV for a pipe, or the API's own JSON?"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar, cast

from tocsin.cli.failures import Usage
from tocsin.cli.wording import plain

if TYPE_CHECKING:
    from rich.console import Console

FORMATS = ("table", "wide", "tsv", "json", "jsonl", "yaml", "name")
_NATURAL = 2000
"""Wider than any table: its natural width is used."""
T = TypeVar("T")

STYLES = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "blue",
    "Open": "bold red",
    "Acknowledged": "yellow",
    "Resolved": "green",
    "Closed": "dim",
    "closed": "green",
    "half_open": "yellow",
    "open": "bold red",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `wide`: only with -o wide and TSV; `flex`: gives way first; `limit`: at most so many characters."""

    title: str
    wide: bool = False
    flex: bool = False
    right: bool = False
    styled: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What else was asked of the output: `fields` of JSON by comma ("-" = all), no first line, names alone."""

    fields: str = ""
    no_headers: bool = False
    quiet: bool = False


class Printer:
    """Writes data to stdout and words about it to stderr.

    `format` is one of FORMATS or "" (a table on a terminal, TSV elsewhere).
    """

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        environ: Mapping[str, str],
        *,
        format: str = "",
        color: bool = True,
        given: Given | None = None,
    ) -> None:
        if format and format not in FORMATS:
            raise Usage(f"-o {format!r} is not an output format", hint=f"use one of {', '.join(FORMATS)}")
        self.out, self.err = out, err
        self.tty = out.isatty()
        self._given = given or Given()
        asked = (
            "json"
            if self._given.fields and format not in ("jsonl", "yaml")
            else "name"
            if self._given.quiet
            else format
        )
        self.format = asked or ("table" if self.tty else "tsv")
        self.structured = self.format in ("json", "jsonl", "yaml")
        self._environ = environ
        self._color = color and not environ.get("NO_COLOR")
        self._forced = bool(environ.get("FORCE_COLOR"))
        self._consoles: dict[str, Console] = {}

    @property
    def width(self) -> int:
        """Columns of the terminal; a pipe that asked for a table gets room enough not to cut."""
        if not self.tty and not self._environ.get("COLUMNS", "").isdigit():
            return 200
        return shutil.get_terminal_size((100, 24)).columns

    def data(self, raw: object) -> bool:
        """Print the API's own shape when -o asks for it; says whether it did."""
        if self.structured:
            raw = _picked(raw, self._given.fields)
        if self.format == "json":
            self.out.write(json.dumps(raw, indent=2, ensure_ascii=False) + "\n")
        elif self.format == "jsonl":
            items = raw.get("items") if isinstance(raw, dict) else raw
            for one in items if isinstance(items, list) else [raw]:
                self.out.write(json.dumps(one, ensure_ascii=False) + "\n")
        elif self.format == "yaml":
            import yaml

            yaml.safe_dump(raw, self.out, sort_keys=False, allow_unicode=True, width=120)
        return self.structured

    def rows(
        self,
        columns: Sequence[Column],
        items: Sequence[T],
        cells: Callable[[T], Sequence[object]],
        *,
        none: str,
        whole: bool = False,
    ) -> None:
        """Print one line for each item; `none` is said (on stderr) when there is none.

        `whole` (and -o wide): nothing is cut to the terminal's width, so that it can be copied.
        """
        if self.format == "name":
            self.out.write("".join(f"{plain(_name_in(columns, cells(item)))}\n" for item in items))
        elif self.format == "tsv":
            self._tsv(columns, items, cells)
        elif items:
            self._table(columns, items, cells, whole=whole or self.format == "wide")
        if not items:
            self.say(none)

    def fields(self, pairs: Sequence[tuple[str, object]]) -> None:
        """Print one thing's fields, a line each; empty ones are left out on a terminal."""
        if self.format == "name":
            self.out.write(f"{plain(pairs[0][1])}\n" if pairs else "")
            return
        if self.format == "tsv":
            for name, value in pairs:
                self.out.write(f"{name.lower().replace(' ', '_')}\t{plain(value)}\n")
            return
        shown = [(name, plain(value)) for name, value in pairs if value not in ("", None, "-", [])]
        indent = max((len(name) for name, _ in shown), default=0) + 2
        for name, value in shown:
            self.hanging(
                [(f"{name:<{indent}}", "dim"), (value, STYLES.get(value.rpartition(" ")[2], ""))], indent
            )

    def hanging(self, pieces: Sequence[tuple[str, str]], indent: int) -> None:
        """Print (text, style) pieces as one paragraph whose further lines start at `indent`."""
        if self.format == "name":
            return
        import textwrap

        text = "".join(piece for piece, _ in pieces)
        width = max(self.width - 1, indent + 20)
        lines = textwrap.wrap(
            text, width, subsequent_indent=" " * indent, drop_whitespace=True, break_on_hyphens=False
        ) or [""]
        if not self._paints:
            self.out.write("\n".join(lines) + "\n")
            return
        from rich.text import Text

        painted = Text("\n".join(lines), no_wrap=True, overflow="ignore")
        at = 0
        for piece, style in pieces:
            first, at = _span(painted.plain, piece.split(), at)
            if style and first >= 0:
                painted.stylize(style, first, at)
        self.console("out").print(painted)

    def shows(self, sign: str) -> bool:
        """True when the output can show this character."""
        if self._environ.get("TERM") == "dumb":
            return sign.isascii()
        try:
            sign.encode(getattr(self.out, "encoding", None) or "utf-8")
        except (LookupError, UnicodeEncodeError):
            return False
        return True

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line of data for people."""
        if self.format == "name":
            return
        if style and self._paints:
            self.console("out").print(text, style=style, soft_wrap=True)
        else:
            self.out.write(text + "\n")

    def say(self, text: str, style: str = "") -> None:
        """Say something about the data, on stderr."""
        if self._given.quiet and style == "dim":
            return  # advice
        if style and self.err.isatty() and self._color:
            self.console("err").print(text, style=style, soft_wrap=True)
        else:
            self.err.write(text + "\n")

    def done(self, sentence: str, following: str = "") -> None:
        """Say what happened, and the command that usually comes next."""
        self.line(sentence)
        if following:
            self.say(f"Next: {following}", "dim")

    def console(self, name: str) -> Console:
        """The rich console of "out" or "err", made when it is first needed."""
        if name not in self._consoles:
            from rich.console import Console

            self._consoles[name] = Console(
                file=self.out if name == "out" else self.err,
                width=self.width,
                no_color=not self._color,
                force_terminal=True if self._forced else None,
                color_system="auto" if self._color else None,
                highlight=False,
                markup=False,
                emoji=False,
            )
        return self._consoles[name]

    @property
    def _paints(self) -> bool:
        return (self.tty or self._forced) and self._color

    @property
    def colors(self) -> bool:
        """Whether colours may be used."""
        return self._color

    def _tsv(
        self, columns: Sequence[Column], items: Sequence[T], cells: Callable[[T], Sequence[object]]
    ) -> None:
        if not self._given.no_headers:
            self.out.write("\t".join(column.title for column in columns) + "\n")
        for item in items:
            self.out.write("\t".join(plain(cell) for cell in cells(item)) + "\n")

    def _table(
        self,
        columns: Sequence[Column],
        items: Sequence[T],
        cells: Callable[[T], Sequence[object]],
        *,
        whole: bool,
    ) -> None:
        from rich.table import Table
        from rich.text import Text

        shown = [n for n, column in enumerate(columns) if self.format == "wide" or not column.wide]
        table = Table(
            box=None,
            pad_edge=False,
            header_style="bold",
            padding=(0, 2, 0, 0),
            show_edge=False,
            show_header=not self._given.no_headers,
        )
        for n in shown:
            column = columns[n]
            table.add_column(
                column.title,
                no_wrap=not column.flex,
                justify="right" if column.right else "left",
                max_width=None if whole else column.limit,
            )
        for item in items:
            texts = [plain(cell) or "-" for cell in cells(item)]
            table.add_row(
                *(
                    Text(
                        texts[n],
                        style=STYLES.get(texts[n].rpartition(" ")[2], "") if columns[n].styled else "",
                        no_wrap=True,
                        overflow="ellipsis",
                    )
                    for n in shown
                )
            )
        self._print_table(table, _NATURAL if whole else self.width)

    def _print_table(self, table: Any, width: int) -> None:
        """Print a table `width` columns wide, which a rich console of the terminal's own width would not do."""
        from rich.console import Console

        held = io.StringIO()
        Console(
            file=held,
            width=width,
            force_terminal=self._paints,
            no_color=not self._paints,
            color_system=self._color_system(),
        ).print(table)
        self.out.write("".join(f"{line.rstrip()}\n" for line in held.getvalue().splitlines()))

    def _color_system(self) -> Literal["standard", "256", "truecolor", "windows"] | None:
        found = self.console("out").color_system if self._paints else None
        return cast('Literal["standard", "256", "truecolor", "windows"] | None', found)


def _name_in(columns: Sequence[Column], row: Sequence[object]) -> object:
    """The cell that names the thing: the first whose column says something in every row."""
    return next((cell for cell in row if cell not in ("", None, "*")), "")


def _picked(raw: object, fields: str) -> object:
    """Of an object, or of each of a list's items, the named fields alone, dotted ones from inside."""
    wanted = [name.strip() for name in fields.split(",") if name.strip()]
    if not wanted or wanted == ["-"]:
        return raw
    if isinstance(raw, dict) and isinstance(raw.get("items"), list):
        return [_of(one, wanted) for one in raw["items"]]
    return _of(raw, wanted)


def _of(one: object, wanted: Sequence[str]) -> object:
    if not isinstance(one, dict):
        return one
    known = [name for name in wanted if name.partition(".")[0] in one]
    if missing := [name for name in wanted if name not in known]:
        raise Usage(
            f"--json: there is no field {', '.join(missing)}", hint=f"there are {', '.join(sorted(one))}"
        )
    found: dict[str, object] = {}
    for name in known:
        value: object = one
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found[name] = value
    return found


def _span(text: str, words: list[str], at: int) -> tuple[int, int]:
    """Where these words stand in the wrapped text from `at` on: the first's start (-1: none), the last's end."""
    first = -1
    for word in words:
        start = text.find(word, at)
        if start < 0:  # longer than the line, so broken in two: it keeps the default colour
            continue
        first = start if first < 0 else first
        at = start + len(word)
    return first, at
