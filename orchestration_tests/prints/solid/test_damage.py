"""Texts that exports, forms and phones have damaged: read as they were meant, refused, or shown to a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from orchestration.lettering.errors import TextError
from orchestration.prints.solid.damage import repaired
from orchestration.prints.solid.request import OrderLine
from orchestration_tests.prints.difficult_names import corpus
from orchestration_tests.prints.solid.test_renderer import DUAL_COLOUR, PLATE

if TYPE_CHECKING:
    from orchestration.prints.solid.renderer import Renderer


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Tom &amp; Jo", "Tom & Jo"),
        ("O&#39;Neill", "O'Neill"),
        ("O&#x27;Neill", "O'Neill"),
        ("Zo&euml;", "Zo\u00eb"),
        ("Mum &lt;3 Dad", "Mum <3 Dad"),
        ("Tom &amp;amp; Jo", "Tom & Jo"),
        ("Anna<br />Lea", "Anna\nLea"),
        ("Anna&lt;br&gt;Lea", "Anna\nLea"),
    ],
)
def test_what_a_shop_has_encoded_is_decoded_and_shown_to_a_person(text: str, meant: str) -> None:
    found = repaired(text)
    assert found.text == meant
    assert any(repr(text) in note for note in found.notes)


@pytest.mark.parametrize(
    "text",
    [
        "Not requested on this item.",
        "N/A",
        "n/a ",
        "No personalization",
        "no personalisation requested",
        "Zo\ufffd",
        "Zo\u00c3\u00ab",
        "J\u00c3\u00b8rgen",
        "Zo&Atilde;&laquo;",
        "<b>Anna</b>",
        "<script>alert(1)</script>",
    ],
)
def test_what_has_lost_its_meaning_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(TextError) as caught:
        repaired(text)
    assert caught.value.remedy


def test_the_likely_text_is_named_where_an_encoding_was_mistaken() -> None:
    with pytest.raises(TextError, match="write 'Zo\u00eb'"):
        repaired("Zo\u00c3\u00ab")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Personalization: Anna", "Personalization:"),
        ("Name: Lea\nColour: Pink", "Colour:"),
        ("None", "None"),
        ("Nan", "Nan"),
        ("Zo\\u00eb", "u00eb"),
        ("Anna\\nSmith", r"\\n"),
        ("Anna%20Lea", "%20"),
        ("Zo?", "question mark"),
        ("J?rgen", "question mark"),
    ],
)
def test_what_may_be_meant_is_printed_and_shown_to_a_person(text: str, told: str) -> None:
    found = repaired(text)
    assert found.text == text
    assert any(told in note for note in found.notes)


SOUND = ("R&B", "AT&T", "Tom & Jo; Lea", "Mum <3 Dad", "5 < 6 > 4", "50%", "Anna/Lea", "100%!", "Nanna", "Nonetheless")


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_text_is_left_alone(text: str) -> None:
    assert repaired(text) == (text, ())


def test_no_difficult_name_is_taken_for_a_damaged_one() -> None:
    damaged = re.compile("[?\ufffd\uff01-\uff5e%\\\\\u3000]|<script>|&[#a-z]")
    names = [name for name in corpus() if not damaged.search(name)]
    assert [name for name in names if repaired(name) != (name, ())] == []


def test_full_width_forms_are_drawn_with_the_designs_own_font_and_named_like_it(renderer: Renderer) -> None:
    wide = renderer.render(OrderLine(PLATE, "\uff21\uff22\uff11\uff12\u3000\uff23\uff24\uff25"))
    plain = renderer.render(OrderLine(PLATE, "AB12 CDE"))
    assert wide.geometry.address == plain.geometry.address
    assert wide.base == "AB12_CDE_UC"
    assert not wide.review


def test_a_doubtful_text_reaches_the_products_review(renderer: Renderer) -> None:
    review = renderer.render(OrderLine(DUAL_COLOUR, "Zo&euml;", "Blue", "White")).review
    assert len(review) == 1
    assert "'Zo&euml;'" in review[0]
