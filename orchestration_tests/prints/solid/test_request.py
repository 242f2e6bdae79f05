"""What an order's text may hold, in the words an operator acts on."""

from __future__ import annotations

import pytest

from orchestration.prints.solid.refusal import Check, PrintRefusedError
from orchestration.prints.solid.request import OrderLine, read

TAG = "PER-KEY3D-STY3-Y3D"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("An\x00na", "U+0000 is a control character: delete it or start a new line instead"),
        ("An\u200bna", "U+200B ZERO WIDTH SPACE after 'n' is invisible: delete it, or type the text again by hand"),
        ("\ud800", "U+D800 is half of a broken character: ask for the text again"),
        (
            "Anna 😀",
            "'😀' (U+1F600 GRINNING FACE) is a colour emoji, which cannot be printed in one colour: leave it out",
        ),
        (
            "a/\u0301",
            "U+0301 COMBINING ACUTE ACCENT has no letter to sit on: type the letter that it belongs to, or delete it",
        ),
        ("A" * 201, "the text has 201 characters, more than 200: shorten it"),
        (" /\n", "the text is empty: ask for the text of the product"),
        (" " * 201, "the text is empty: ask for the text of the product"),
    ],
)
def test_a_text_that_cannot_be_printed_is_refused_by_the_check_of_texts(text: str, message: str) -> None:
    with pytest.raises(PrintRefusedError) as refused:
        read(OrderLine(TAG, text))
    assert refused.value.check is Check.TEXT
    assert str(refused.value) == message
    assert message == f"{refused.value.problem}: {refused.value.remedy}"


def test_a_text_is_read_in_its_plain_form() -> None:
    assert read(OrderLine(TAG, "e\u0301\u00a0B \u2764\ufe0f")).text == "é B \u2764"
