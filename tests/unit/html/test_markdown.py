"""The tables' Markdown as HTML."""

import pytest

from mazo.html.markdown import inline, parse
from mazo.tables.layout import markdown_table


def only_table(head, rows):
    (block,) = parse(markdown_table(head, rows))
    return block.table


def test_a_text_is_split_into_headings_tables_lists_code_and_paragraphs_in_order():
    blocks = parse("### m, mix all\n\n| a | b |\n|---|---:|\n| x | 1 |\n\nOne\ntwo.\n\n- first\n- second\n\n    code\n")
    assert [block.kind for block in blocks] == ["heading", "table", "paragraph", "items", "code"]
    assert blocks[0].html == "m, mix all"
    assert blocks[2].html == "One two."
    assert list(blocks[3].items) == ["first", "second"]
    assert blocks[4].html == "code"


def test_a_label_cannot_write_html_and_its_bar_is_no_new_cell():
    table = only_table(["Method", "Mean"], [["<b>A|B & co", "1.0"]])
    assert table.rows[0][0].html == "&lt;b&gt;A|B &amp; co"
    assert len(table.rows[0]) == 2


def test_bold_emphasis_code_and_a_links_text_are_kept_and_a_lone_star_is_a_star():
    assert inline("**a** *b:* `c*d*` [e](f.md) -1.0* [x]; *: below 0.05") == (
        "<strong>a</strong> <em>b:</em> <code>c*d*</code> e -1.0* [x]; *: below 0.05"
    )


@pytest.mark.parametrize(
    ("column", "is_number"),
    [
        (["1.5", "-2.0* [-3.0, -1.0]"], True),
        (["1,000 of 1,500*", "5 of 5"], True),
        (["**99.0 ± 0.3**", ""], True),
        (["+3.1 points", "12.0 %"], True),
        (["3 seeds, 8 tasks"], False),
        (["MaZO"], False),
        ([""], False),
        (["`0a1b`"], False),
    ],
)
def test_a_column_of_numbers_is_told_from_one_of_words(column, is_number):
    table = only_table(["Method", "x"], [["a", text] for text in column])
    assert table.is_number[1] is is_number


def test_errors_intervals_and_minus_signs_are_marked_up():
    row = only_table(["Method", "a", "b"], [["A-1", "-50.4* [-53.6, -47.3]", "99.0 ± 0.3"]]).rows[0]
    assert row[0].html == "A-1"
    assert row[1].html == '−50.4* <span class="interval">[−53.6, −47.3]</span>'  # noqa: RUF001
    assert row[2].html == '99.0 <span class="error">± 0.3</span>'


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [
        ("supported", "supported"),
        ("not supported", "refuted"),
        ("undecided at this scale", "undecided"),
        ("not measured in this suite", "absent"),
    ],
)
def test_a_verdict_has_its_mark(verdict, mark):
    cell = only_table(["Claim", "Verdict"], [["A", verdict]]).rows[0][1]
    assert cell.html == f'<span class="verdict {mark}">{verdict}</span>'
