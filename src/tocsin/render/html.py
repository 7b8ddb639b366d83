"""A report as one page that needs nothing else: no scripts, no addresses; dark and light, and fit to be printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from tocsin.core.report import Incident, Report
from tocsin.render import charts, told, words

_STYLE = """
:root{color-scheme:light dark;--page:#fff;--text:#1c2430;--soft:#5b6675;--line:#d5dae1;--bar:#34597d;--good:#2f7d5b;--bad:#b3362b;
--critical:#a3262a;--high:#d9762b;--medium:#d9b23a;--low:#7f9bb8}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--text:#e6eaf0;--soft:#9aa7b6;--line:#303945;--bar:#6f9fce;--good:#55b98c;--bad:#ea7468;
--critical:#e8696d;--high:#eb9a56;--medium:#e6c75c;--low:#8fb0d1}}
*{box-sizing:border-box}body{margin:0 auto;max-width:62rem;padding:2rem 1.25rem 4rem;background:var(--page);color:var(--text);
font:16px/1.5 system-ui,sans-serif}h1{font-size:2rem;line-height:1.2;margin:0}h2{margin:2.5rem 0 .75rem;font-size:1.35rem}
h3{margin:1.5rem 0 .25rem;font-size:1.05rem}p.soft,.soft{color:var(--soft)}ul.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));
gap:.75rem;padding:0;list-style:none}ul.figures li{border:1px solid var(--line);border-radius:.5rem;padding:.75rem}ul.figures b{display:block;font-size:1.5rem}
svg{max-width:100%;height:auto}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem .3rem 0;text-align:start;vertical-align:top;border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:600}
td.n,th.n{text-align:end}.missed{color:var(--bad);font-weight:600}ol.steps{padding:0;list-style:none;font-size:.9rem}ol.steps time{color:var(--soft)}
ul.notes{border-inline-start:4px solid var(--high);padding-inline-start:1.5rem}
@media print{:root{--page:#fff;--text:#000;--soft:#444;--line:#bbb;--bar:#34597d;--good:#2f7d5b;--bad:#b3362b;--critical:#a3262a;--high:#d9762b;--medium:#d9b23a;--low:#7f9bb8}
body{font-size:10pt;max-width:none;padding:0}h2{break-after:avoid}tr,svg,ul.figures li{break-inside:avoid}thead{display:table-header-group}}
"""


def page(report: Report) -> bytes:
    """The whole page, UTF-8."""
    drawn = charts.every(report, charts.SCREEN)
    body = [
        "<header><h1>Incident report</h1>",
        f"<p class=soft>{_e(told.period(report))}<br>{_e(told.made(report))}</p></header><main>",
        _notes(report),
        _figures(report),
        *(
            f"<section><h2>{_e(title)}</h2>{_p(text)}{drawn.get(name, '')}{table}</section>"
            for name, title, text, table in _sections(report)
        ),
        _timelines(report),
        "</main>",
    ]
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{_e(told.title(report))}</title><style>{_STYLE}</style></head><body>"
    )
    return (head + "".join(body) + "</body></html>\n").encode("utf-8", "replace")


def _sections(report: Report) -> Iterable[tuple[str, str, str, str]]:
    for section in told.sections(report):
        yield section.chart, section.title, section.text, _table(section.head, section.rows, section.right)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int]) -> str:
    if not rows:
        return ""

    def cell(tag: str, n: int, text: str) -> str:
        names = [*(["n"] if n in right else []), *(["missed"] if text == "missed" else [])]
        attribute = f' class="{" ".join(names)}"' if names else ""
        return f'<{tag}{attribute} dir="auto">{_e(text)}</{tag}>'

    top = "".join(cell("th", n, text) for n, text in enumerate(head))
    lines = "".join(f"<tr>{''.join(cell('td', n, text) for n, text in enumerate(row))}</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"


def _figures(report: Report) -> str:
    shown = "".join(
        f"<li><b>{_e(value)}</b><span class=soft>{_e(name)}</span></li>"
        for name, value in told.figures(report)
    )
    return f"<ul class=figures>{shown}</ul>"


def _notes(report: Report) -> str:
    shown = "".join(f"<li>{_e(note)}</li>" for note in report.notes)
    return f"<ul class=notes>{shown}</ul>" if shown else ""


def _timelines(report: Report) -> str:
    chosen = [one for one in report.incidents if one.steps]
    if not chosen:
        return ""
    intro = _p(told.about_timelines(report))
    return f"<section><h2>Timelines</h2>{intro}{''.join(_timeline(one, report) for one in chosen)}</section>"


def _timeline(one: Incident, report: Report) -> str:
    steps = "".join(
        f"<li><time>{_e(words.clock(step.at, report.timezone))}</time> <span dir=auto>{_e(step.text)}</span></li>"
        for step in one.steps
    )
    more = f"<li class=soft>and {one.steps_left_out} more steps</li>" if one.steps_left_out else ""
    ids = _p(told.sides(one))
    return f"<h3 dir=auto>{_e(one.name)} {_e(one.title)}</h3>{ids}<ol class=steps>{steps}{more}</ol>"


def _p(text: str) -> str:
    return f"<p class=soft>{_e(text)}</p>" if text else ""


def _e(text: str) -> str:
    return escape("".join(c if c.isprintable() or c == "\n" else " " for c in text))
