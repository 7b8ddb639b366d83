"""Does a template say what Handlebars would, or that it cannot?"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.payload import DESCRIPTION_LIMIT, TITLE_LIMIT
from tocsin.core.template import TemplateError, check, render

CONTEXT = {
    "integration": {"name": "shop"},
    "data": {
        "title": "  Disk full  ",
        "host": "web-1",
        "count": 3,
        "load": 0.5,
        "whole": 2.0,
        "zero": 0,
        "no": False,
        "yes": True,
        "empty": "",
        "nothing": None,
        "list": [{"name": "first"}, "second"],
        "none": [],
        "map": {"a": {"b": "deep"}},
        "bare": {},
        "my key": "spaced",
        "html": "<b>&\"'</b>",
        "control": "a\x00b\x1b",
    },
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("plain text", "plain text", id="text"),
        pytest.param("", "", id="nothing"),
        pytest.param("{{data.host}} of {{integration.name}}", "web-1 of shop", id="dot paths"),
        pytest.param("{{ data.map.a.b }}", "deep", id="blanks inside"),
        pytest.param("{{this.data.host}}", "web-1", id="this."),
        pytest.param("{{data.list.0.name}} {{data.list.[0].name}}", "first first", id="entries of a list"),
        pytest.param("{{data.[my key]}}", "spaced", id="a name with a blank"),
        pytest.param(
            "<{{data.absent}}{{data.host.x}}{{data.list.9}}{{data.nothing}}>", "<>", id="absent is empty"
        ),
        pytest.param("{{data.count}} {{data.load}} {{data.whole}} {{data.zero}}", "3 0.5 2 0", id="numbers"),
        pytest.param("{{data.no}} {{data.yes}}", "false true", id="booleans"),
        pytest.param("{{data.map}} {{data.none}}", '{"a":{"b":"deep"}} []', id="maps and lists are JSON"),
        pytest.param("{{data.html}}{{{data.html}}}", "<b>&\"'</b><b>&\"'</b>", id="nothing is escaped"),
        pytest.param("{{data.control}}", "ab", id="control characters go"),
        pytest.param('{"a": "{{data.host}}"}', '{"a": "web-1"}', id="single braces are text"),
        pytest.param("{{uppercase data.host}}", "WEB-1", id="uppercase"),
        pytest.param("{{lowercase 'ABC'}}", "abc", id="lowercase of a literal"),
        pytest.param("<{{trim data.title}}>", "<Disk full>", id="trim"),
        pytest.param("{{truncate data.host 3}}", "web", id="truncate"),
        pytest.param("{{truncate data.absent 3}}", "", id="truncate of nothing"),
        pytest.param('{{default data.absent "?"}}{{default data.nothing data.host}}', "?web-1", id="default"),
        pytest.param(
            '{{default data.zero "?"}}{{default data.empty "?"}}', "0", id="0 and empty text are values"
        ),
        pytest.param("{{#if data.host}}a{{else}}b{{/if}}", "a", id="if"),
        pytest.param("{{#if data.absent}}a{{else}}b{{/if}}", "b", id="else"),
        pytest.param("<{{#if data.absent}}a{{/if}}>", "<>", id="no else"),
        pytest.param(
            "{{#if data.zero}}1{{/if}}{{#if data.no}}2{{/if}}{{#if data.empty}}3{{/if}}{{#if data.none}}4{{/if}}",
            "",
            id="0, false, empty text and empty list are false",
        ),
        pytest.param("{{#if data.bare}}true{{/if}}", "true", id="an empty map is true"),
        pytest.param("{{#if data.host}}{{#if data.no}}x{{else}}y{{/if}}z{{else}}w{{/if}}", "yz", id="nested"),
        pytest.param(
            "a\n{{#if data.host}}\nb\n{{else}}\nc\n{{/if}}\nd", "a\nb\nd", id="a tag alone leaves no line"
        ),
    ],
)
def test_what_is_supported_reads_as_in_handlebars(template: str, text: str) -> None:
    check(template)
    assert render(template, CONTEXT) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{#each data.list}}x{{/each}}",
        "{{#unless a}}x{{/unless}}",
        "{{#if (eq a b)}}x{{/if}}",
        "{{#if a b}}x{{/if}}",
        "{{else if a}}",
        "{{uppercase (trim a)}}",
        "{{moment a}}{{unknown data.a}}",
        "{{truncate a}}",
        "{{truncate a 3 '…'}}",
        "{{uppercase}}",
        "{{> partial}}",
        "{{! a comment }}",
        "{{~a~}}",
        "{{../a}}",
        "{{@root.a}}",
        "{{this}}",
        "{{}}",
        "{{a..b}}",
        "{{&a}}",
    ],
)
def test_what_is_not_supported_says_so(template: str) -> None:
    with pytest.raises(TemplateError, match="not supported yet"):
        check(template)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("{{data.host", "not closed", id="an open tag"),
        pytest.param("{{data.host}", "not closed", id="half closed"),
        pytest.param("{{data.host}}}", "not closed", id="closed too often"),
        pytest.param("{{{data.host}}", "not closed", id="opened too often"),
        pytest.param(r"\{{data.host}}", "not closed", id="an escaped tag"),
        pytest.param("{{#if a}}b", "lacks its", id="an if without its end"),
        pytest.param("b{{/if}}", "outside", id="an end without its if"),
        pytest.param("{{#if a}}{{else}}{{else}}{{/if}}", "two", id="two else"),
        pytest.param("{{#if a}}" * 21 + "{{/if}}" * 21, "more than 20", id="too deep"),
        pytest.param("x" * 50_001, "at most", id="too long"),
    ],
)
def test_a_fault_in_a_template_is_told_when_it_is_set(template: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        check(template)


@pytest.mark.parametrize("template", ["{{truncate data.host data.host}}", "{{truncate data.host -1}}"])
def test_truncate_needs_a_number(template: str) -> None:
    with pytest.raises(TemplateError, match="whole number"):
        render(template, CONTEXT)


def test_output_is_bounded() -> None:
    context = {"data": {"long": "x" * 10_000_000}}
    assert len(render("{{data.long}}" * 100, context, TITLE_LIMIT)) == TITLE_LIMIT
    assert len(render("{{data.long}}{{data.long}}", context)) == DESCRIPTION_LIMIT


def test_a_greedy_template_ends_soon() -> None:
    big = {"data": {"map": {str(i): "x" * 90 for i in range(1_000)}, "blank": " " * 10_000_000}}
    started = time.process_time()
    with pytest.raises(TemplateError, match="too much"):
        render("{{trim data.map}}{{truncate data.map 0}}" * 1_000, big, 10_000_000)
    assert render("{{trim data.blank}}" * 2_000, big) == ""
    assert time.process_time() - started < 5


def test_a_value_that_json_cannot_hold_is_a_template_error() -> None:
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TemplateError):
        render("{{data}}", {"data": deep})
    while deep:  # taken apart by hand: dropping it whole would nest as deep
        deep = deep[0]


PIECES = st.lists(
    st.sampled_from(
        ["{{", "}}", "{", "}", "#if ", "/if", "else", "data.a", " ", "trim ", "\n", "[", "]", "'", '"', "\\"]
    )
    | st.text(max_size=3),
    max_size=25,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(PIECES.map("".join), VALUES)
def test_any_template_over_any_value_gives_text_or_a_template_error(template: str, value: object) -> None:
    try:
        text = render(template, {"data": {"a": value}}, 40)
    except TemplateError:
        return
    assert len(text) <= 40
    text.encode()


@given(VALUES)
def test_any_value_can_be_shown(value: object) -> None:
    text = render("<{{data.a}}>", {"data": {"a": value}})
    assert text.startswith("<")
