"""An import's bytes become customers, and a broken line costs itself only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.directory.errors import UnreadableFile
from router.directory.lines import MAX_LINE, LineSplitter
from router.directory.rows import CsvReader, JsonReader


def lines_of(data: bytes, size: int = 7):
    splitter = LineSplitter()
    found = [line for at in range(0, len(data), size) for line in splitter.feed(data[at : at + size])]
    return found + splitter.finish()


def rows_of(text: str, reader=None):
    reader = reader or CsvReader()
    return [*reader.feed(lines_of(text.encode(), 1000)), *reader.finish()]


def facts(rows):
    return [(row.line, row.seed.customer_id if row.seed else row.wrong) for row in rows]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_lines_do_not_depend_on_where_the_stream_was_cut(data, size):
    assert lines_of(data, size) == lines_of(data, 1000)


def test_lines_are_numbered_without_their_ends():
    assert [tuple(line) for line in lines_of("\ufeffa\r\n\nb\n\xe4".encode())] == [
        (1, "a", ""), (2, "", ""), (3, "b", ""), (4, "ä", ""),
    ]  # fmt: skip


def test_an_endless_line_is_dropped_as_it_arrives():
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.feed(b"x" * 10_000) == []
        assert len(splitter._rest) <= MAX_LINE
    assert [line.text for line in splitter.feed(b"\nafter\n")] == [None, "after"]


def test_a_long_line_in_one_piece_is_bad_too():
    assert [line.text is None for line in lines_of(b"x" * (MAX_LINE + 1) + b"\nok\n", 10**6)] == [True, False]


def test_text_that_is_not_utf_8_is_a_bad_line():
    assert [(line.text, line.wrong) for line in lines_of(b"a\n\xff\nb")] == [("a", ""), (None, "not UTF-8"), ("b", "")]


def test_every_column_lands_in_its_field():
    [row] = rows_of(
        "customer_id,name,title,phones,tier,annual_value,account_id,account_name,account_role,owner,cover,language,"
        "skills,birthday,notes,tags\n"
        'c-1,"Li, Wei",Ms,+8613800138000;+8613800138001 +8613800138002,gold,15200.50,acme,Acme,decision_maker,agent-7,'
        'agent-3;agent-4,zh-CN,loans,1984-05-03,"prefers ""mornings""",key-account; board\n'
    )
    assert row.seed is not None
    assert row.seed.model_dump(mode="json", exclude_defaults=True) == {
        "customer_id": "c-1", "name": "Li, Wei", "title": "Ms",
        "phones": ["+8613800138000", "+8613800138001", "+8613800138002"], "tier": "gold", "annual_value": 15200.5,
        "account": {"account_id": "acme", "name": "Acme", "role": "decision_maker"}, "owner": "agent-7",
        "cover": ["agent-3", "agent-4"], "language": "zh-CN", "skills": ["loans"], "birthday": "1984-05-03",
        "notes": 'prefers "mornings"', "tags": ["key-account", "board"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "phones"),
    [
        ("+8613800138000 +8613800138001", ["+8613800138000", "+8613800138001"]),
        ("13800138000; 13800138001;", ["13800138000", "13800138001"]),
        ("+86 138 0013 8000;95588", ["+86 138 0013 8000", "95588"]),
        ("202 555 0101; 202 555 0102", ["202 555 0101", "202 555 0102"]),
        ("sip:joe@pbx.example client:joe", ["sip:joe@pbx.example", "client:joe"]),
        (" ; ", []),
    ],
)
def test_numbers_in_one_cell(cell, phones):
    [row] = rows_of(f"customer_id,phones\nc-1,{cell}\n")
    assert row.seed is not None
    assert list(row.seed.phones) == phones


def test_empty_cells_are_absent_and_columns_come_in_any_order():
    [row] = rows_of("Tier, customer_id ,phones,annual_value,birthday\n,c-1,,,\n")
    assert row.seed is not None
    assert row.seed.model_dump(exclude_defaults=True) == {"customer_id": "c-1"}


@pytest.mark.parametrize(
    "header", ["", "name,tier", "customer_id,nmae", "customer_id,name,name", "\n", "customer_id;name"]
)
def test_a_header_that_cannot_be_used_is_refused(header):
    with pytest.raises(UnreadableFile):
        rows_of(f"{header}\nc-1,x\n" if header else "")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("c-9", "1 fields, the header has 3"),
        ("c-9,a,b,c", "4 fields, the header has 3"),
        ('c-9,"a"b,c', "a quote stands where none can"),
        ('c-9,"a,b', "a quote is never closed"),
        ("c 9,a,b", "/customer_id: String should match pattern '^[A-Za-z0-9_.-]{1,64}$'"),
        (",a,b", "/customer_id: Field required"),
    ],
)
def test_a_broken_line_costs_itself_only(broken, reason):
    rows = rows_of(f'customer_id,name,notes\nc-1,x,y\n{broken}\nc-2,"x",y\nc-3,,\n')
    assert facts(rows) == [(2, "c-1"), (3, reason), (4, "c-2"), (5, "c-3")]


def test_a_quote_never_closed_costs_its_line_wherever_the_file_ends():
    assert facts(rows_of('customer_id,name\nc-1,"open\nc-2,b\nc-3,c')) == [
        (2, "a quote is never closed"), (3, "c-2"), (4, "c-3"),
    ]  # fmt: skip
    many = "".join(f"c-{i},b\n" for i in range(1000))
    assert len([row for row in rows_of(f'customer_id,name\nc-x,"open\n{many}') if row.seed]) == 1000


def test_a_quoted_field_may_run_over_lines():
    rows = rows_of('customer_id,notes,name\nc-1,"first\n\nthird, with ""quotes""\n",x\nc-2,y,z\n')
    assert facts(rows) == [(2, "c-1"), (6, "c-2")]
    assert rows[0].seed is not None
    assert rows[0].seed.notes == 'first\n\nthird, with "quotes"'


def test_json_lines():
    rows = rows_of(
        '{"customer_id": "c-1", "phones": ["+8613800138000"], "birthday": "1984-05-03"}\n\n  \n{"customer_id": "c-2"\n'
        '{"customer_id": "c-3", "annual_value": "12"}\n[]\n{"customer_id": "c-4", "colour": 1}\n' + "[" * 50_000 + "\n"
        '{"customer_id": "c-5", "name": "\\ud800"}\n{"customer_id": "c-6"}',
        JsonReader(),
    )
    assert [(row.line, row.seed is not None) for row in rows] == [
        (1, True), (4, False), (5, False), (6, False), (7, False), (8, False), (9, False), (10, True),
    ]  # fmt: skip
    assert rows[2].wrong == "/annual_value: Input should be a valid number"
