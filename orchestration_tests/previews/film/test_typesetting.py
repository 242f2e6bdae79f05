"""Texts in boxes: never clipped, and what was done to them is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.previews.film.design import BODY
from orchestration.previews.film.pages import painted
from orchestration.previews.film.typesetting import Face, Typesetter
from orchestration_tests.lettering.made_fonts import GRIN, layered_emoji

if TYPE_CHECKING:
    from pathlib import Path

FACE = Face(BODY)
SIZES = (32.0, 27.0, 23.0)
WORDS = "The wrap is knitted from merino, washed twice, and finished by hand. "


@pytest.mark.parametrize(
    "text", ["Hello", WORDS * 30, "x" * 400, "مرحبا بكم في المتجر " * 40, "日本語の文章です。" * 80, "a\n\nb\n" * 30]
)
def test_every_text_stays_in_its_box(typesetter: Typesetter, text: str) -> None:
    fitted = typesetter.fit(text, FACE, SIZES, (500, 200))
    assert fitted.fits
    assert fitted.room <= 200
    shown = "".join(line.text for card in fitted.cards for line in card.lines)
    assert shown.replace(" ", "") == "".join(text.split())


def test_a_text_that_fits_is_not_touched(typesetter: Typesetter) -> None:
    fitted = typesetter.fit("Hello", FACE, SIZES, (500, 200))
    assert (len(fitted.cards), fitted.notes) == (1, ())
    assert fitted.cards[0].style.size == 32


def test_a_long_text_shrinks_and_then_becomes_cards_of_even_length(typesetter: Typesetter) -> None:
    shrunk = typesetter.fit(WORDS * 2, FACE, SIZES, (500, 200))
    assert shrunk.notes == ("set at 27 px instead of 32 px, so that it fits",)
    divided = typesetter.fit(WORDS * 8, FACE, SIZES, (500, 200))
    assert divided.notes == (f"set at 23 px and divided into {len(divided.cards)} cards, so that it fits",)
    lines = [len(card.lines) for card in divided.cards]
    assert max(lines) - min(lines) <= 1


def test_what_no_font_draws_is_left_out_and_named(typesetter: Typesetter) -> None:
    fitted = typesetter.fit("A\u200b mug \U0010fffd", FACE, SIZES, (500, 200))
    assert fitted.cards[0].lines[0].text == "A mug"
    assert any("U+200B" in note for note in fitted.notes)
    assert any("U+10FFFD" in note for note in fitted.notes)


def test_a_text_of_nothing_drawable_has_no_card(typesetter: Typesetter) -> None:
    assert typesetter.fit("\u200b", FACE, SIZES, (500, 200)).cards == ()


def test_emoji_are_drawn_in_their_colours_by_a_font_of_the_setting(tmp_path: Path) -> None:
    layered_emoji(tmp_path)
    fitted = Typesetter((tmp_path,)).fit(f"Hi {GRIN}", FACE, SIZES, (500, 200))
    assert fitted.notes == ()
    sprite = painted(fitted.cards[0], (255, 255, 255), 0, 0)
    is_red = (sprite.rgb[:, :, 0] > 200) & (sprite.rgb[:, :, 1] < 50) & (sprite.cover > 200)
    assert is_red.sum() > 400


def test_emoji_and_their_sequences_are_drawn_by_the_font_of_the_system(typesetter: Typesetter) -> None:
    if "NotoColorEmoji.ttf" not in typesetter.library.files:
        pytest.skip("Debian's fonts-noto-color-emoji is not installed")
    taken = typesetter.fit("Party 🎉👩‍👩‍👧🇩🇪👍🏽❤️", FACE, SIZES, (600, 200))
    assert (len(taken.cards[0].pictures), taken.notes) == (5, ())
