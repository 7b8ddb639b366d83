"""The live view of `im watch`: a table of the open incidents that can be acted on. Only it needs Textual."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from tocsin.cli.command import Session
from tocsin.cli.printing import STYLES
from tocsin.cli.watching import Board, Feed, News, cells, maker
from tocsin.cli.wording import both_severities, moment, plain

if TYPE_CHECKING:
    from tocsin.client.shapes import Incident

_WIDE = 110
_COLUMNS = {"INCIDENT": 9, "SEVERITY": 14, "STATE": 12, "AGE": 4, "SERVICES": 18, "TITLE": 0, "WHO": 16}
_NARROW = {"INCIDENT": 8, "SEVERITY": 5, "STATE": 12, "AGE": 4, "SERVICES": 14, "TITLE": 0}
_BETWEEN, _LEAST_TITLE = 2, 12
_KEYS = "j/k move  Enter show  a acknowledge  r resolve  e escalate  ? help  q quit"
HELP = """\
j, down    the next incident
k, up      the one before
g, G       the first, the last
Enter      show all that is known of it
a          acknowledge: you are on it
r          resolve: it is over; asks first
e          escalate: the next step of its policy is asked now; asks first
?          this page
q          quit

What nobody has stands first, the worst of it first. When the server cannot be
heard, the first line says so, and how old the picture is."""


class Words(ModalScreen[bool]):
    """A text over the table; any key closes it. `asks` = y says yes."""

    def __init__(self, text: str, *, asks: bool = False) -> None:
        super().__init__()
        self._text, self._asks = text, asks

    def compose(self) -> ComposeResult:
        """The text, in a frame."""
        with VerticalScroll(id="words"):
            yield Static(self._text, markup=False)

    def on_key(self, event: Any) -> None:
        """Arrows scroll; every other key answers."""
        if event.key in ("up", "down", "pageup", "pagedown", "j", "k") and not self._asks:
            scroll = self.query_one(VerticalScroll)
            (scroll.scroll_up if event.key in ("up", "pageup", "k") else scroll.scroll_down)(animate=False)
        else:
            self.dismiss(self._asks and event.key == "y")
        event.stop()


class Watch(App[None]):
    """The table, what is going on above it, what was done below."""

    CSS = """
    #head { height: 1; padding: 0 1; text-style: bold; }
    #head.stale { background: ansi_red; color: ansi_bright_white; }
    #said, #keys { height: 1; padding: 0 1; }
    #keys { text-style: dim; }
    Screen, DataTable { background: ansi_default; color: ansi_default; }
    DataTable { height: 1fr; overflow-x: hidden; scrollbar-size-horizontal: 0; }
    DataTable > .datatable--header { background: ansi_default; color: ansi_default; text-style: bold underline; }
    DataTable > .datatable--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    Words { align: center middle; }
    #words { width: 84; max-width: 100%; height: auto; max-height: 90%; border: round ansi_default; padding: 0 1; background: ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", show=False), Binding("k", "move(-1)", show=False), Binding("g", "end(0)", show=False),
        Binding("G", "end(-1)", show=False), Binding("enter", "show", show=False, priority=True), Binding("a", "acknowledge", show=False),
        Binding("r", "resolve", show=False), Binding("e", "escalate", show=False), Binding("question_mark", "help", show=False),
        Binding("q", "quit", show=False),
    ]  # fmt: skip
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, session: Session, *, feed: Callable[[Callable[[str, object], None]], Feed] | None = None
    ) -> None:
        super().__init__(ansi_color=True)
        self._session = session
        self._known = Board()
        self._make = maker(session)
        self._feed = feed(self._from_thread) if feed else Feed(self._make, self._from_thread)
        self._drawn: list[tuple[str, ...]] = []
        self._shown = _COLUMNS

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static("connecting …", id="head", markup=False)
        yield DataTable(cursor_type="row", zebra_stripes=False)
        yield Static("", id="said", markup=False)
        yield Static(_KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        """Listen; draw ages anew each second."""
        self._columns()
        self.set_interval(1.0, self.draw)
        self._feed.start()

    def on_unmount(self) -> None:
        """Nobody listens any more."""
        self._feed.stop()

    def on_resize(self) -> None:
        """The title has what the others leave."""
        self._columns()
        self._drawn = []
        self.draw()

    # ---- what came ----------------------------------------------------------------------------------

    def _from_thread(self, what: str, data: object) -> None:
        self.call_from_thread(self.hear, what, data)

    def hear(self, what: str, data: object) -> None:
        """One thing from the feed."""
        now, board, news = self._session.clock(), self._known, list[News]()
        if what == "all":
            news = board.all_of(cast("list[Incident]", data), now)
        elif what == "one":
            found = board.one(cast("Incident", data), now)
            news = [found] if found else []
        elif what == "lost":
            board.lost(str(data), now)
        else:
            board.heard(now)
        if any(one.rings for one in news):
            self.bell()
        self.draw()

    def draw(self) -> None:
        """What is known, as it is now."""
        now = self._session.clock()
        text, fresh = self._known.head(now)
        head = self.query_one("#head", Static)
        head.update(plain(text))
        head.set_class(not fresh, "stale")
        rows = self._known.rows()
        drawn = [cells(one, now) for one in rows]
        if drawn == self._drawn:
            return
        table = self._table
        on, at = self._selected, table.cursor_row
        self._drawn = list(drawn)
        table.clear()
        for one, row in zip(rows, drawn, strict=True):
            table.add_row(
                *(
                    Text(self._cut(cell, n), style=self._style(one, n), no_wrap=True, overflow="ellipsis")
                    for n, cell in enumerate(row[: len(self._shown)])
                ),
                key=one.name,
            )
        names = [one.name for one in rows]
        if names:
            table.move_cursor(row=names.index(on) if on in names else min(at, len(names) - 1))

    def _cut(self, cell: str, column: int) -> str:
        """SEV-1 alone where there is no room for both words."""
        return cell.partition(" ")[0] if column == 1 and self._shown is _NARROW else cell

    def _style(self, one: Incident, column: int) -> str:
        if not self._session.print.colors:
            return ""
        return (
            STYLES.get(one.severity, "")
            if column == 1
            else STYLES.get(one.status_shown, "")
            if column == 2
            else ""
        )

    def _columns(self) -> None:
        """The title has what the others leave; a narrow terminal has no room for who has it."""
        table, width = self._table, self.size.width
        self._shown = _COLUMNS if width >= _WIDE else _NARROW
        title = max(width - sum(self._shown.values()) - _BETWEEN * len(self._shown) - 2, _LEAST_TITLE)
        table.clear(columns=True)
        self._drawn = []
        for name, wide in self._shown.items():
            table.add_column("SEV" if name == "SEVERITY" and wide < 10 else name, width=wide or title)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    @property
    def _selected(self) -> str:
        at = self._table.cursor_row
        return self._drawn[at][0] if 0 <= at < len(self._drawn) else ""

    # ---- keys ------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Up or down."""
        self._table.move_cursor(row=max(self._table.cursor_row + by, 0))

    def action_end(self, to: int) -> None:
        """The first or the last."""
        self._table.move_cursor(row=0 if to == 0 else max(len(self._drawn) - 1, 0))

    def action_help(self) -> None:
        """What the keys do."""
        self.push_screen(Words(HELP))

    def action_show(self) -> None:
        """All that is known of the incident."""
        if one := self._known.incidents.get(self._selected):
            self.push_screen(Words(_about(one, self._session)))

    def action_acknowledge(self) -> None:
        """You are on it."""
        self._act("acknowledge", "acknowledged")

    def action_resolve(self) -> None:
        """It is over."""
        self._ask("Resolve", "resolve", "resolved")

    def action_escalate(self) -> None:
        """The next step is asked now."""
        self._ask("Escalate", "escalate", "escalated")

    def _ask(self, word: str, act: str, done: str) -> None:
        name = self._selected
        if not name:
            return
        title = plain(self._known.incidents[name].title) if name in self._known.incidents else ""

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(act, done, name)
            else:
                self._say(f"{name} stays as it is.")

        self.push_screen(
            Words(f"{word} {name}?\n{title}\n\ny = yes, any other key = no", asks=True), answered
        )

    def _act(self, act: str, done: str, name: str = "") -> None:
        """On a thread of its own: the table goes on meanwhile."""
        name = name or self._selected
        if not name:
            return
        self._say(f"{name}: asking the server …")

        def work() -> None:
            from tocsin.client import ClientError

            try:
                with self._make() as hub:
                    found = hub.act(name, act, {})
                text = (
                    f"{name} {done}."
                    if found.changed
                    else f"{name} was {done} already, by {found.acknowledged_by or 'somebody'}."
                )
            except ClientError as error:
                self.call_from_thread(self._say, f"{name} is not {done}: {plain(error)}")
                return
            self.call_from_thread(self.hear, "one", found)
            self.call_from_thread(self._say, text)

        self.run_worker(work, thread=True)

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(text)


def _about(one: Incident, session: Session) -> str:
    """All that is known of it, for the page over the table."""
    pairs = [
        ("Severity", both_severities(one.severity)), ("State", one.status_shown or one.status), ("Services", ", ".join(one.services)),
        ("Team", one.team), ("Opened", moment(one.opened_at, utc=session.utc, seconds=True)), ("Acknowledged by", one.acknowledged_by),
        ("Assignee", one.assignee), ("Rule", one.rule), ("Policy", one.policy), ("Alerts", f"{one.alerts}, repeated {one.repeats} times"),
        *((side.connector, f"{side.status} {side.remote_url or side.remote_id} {side.last_error}".strip()) for side in one.providers),
        ("Description", one.description),
    ]  # fmt: skip
    lines = [f"{name:<16}{plain(value)}" for name, value in pairs if value]
    return (
        f"{one.name}  {plain(one.title)}\n\n"
        + "\n".join(lines)
        + f"\n\nim timeline {one.name} tells all that happened."
    )


def run(session: Session) -> None:
    """Until q is pressed."""
    Watch(session).run()
