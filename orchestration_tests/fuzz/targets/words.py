"""Texts of people: set in lines, shaped, drawn, and shown where control characters would be obeyed."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from orchestration.errors import InvalidInputError, PermanentError, RefusedError
from orchestration.lettering.bidi import levels, visual_runs
from orchestration.lettering.fonts import FontLibrary
from orchestration.lettering.outlines import Outlines
from orchestration.lettering.paragraph import Align, TextStyle, lay_out, measure
from orchestration.lettering.text import TextRules, prepare
from orchestration.mockups.designs.lettered import text_size
from orchestration.observability.untrusted import for_json_line, for_markdown, for_spreadsheet, for_terminal
from orchestration.previews.film.captions import Cue, _parts, webvtt
from orchestration.runtime.partition_keys import decode_key, encode_key
from orchestration_tests.fuzz.mutation import of_text
from orchestration_tests.fuzz.target import Target, each, expect, text_of
from orchestration_tests.fuzz.targets.prints import order_texts, read_order_text
from orchestration_tests.prints.difficult_names import corpus

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH = 180.0
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_KEY = re.compile(r"[A-Za-z0-9_.~-]+")
_STYLES = tuple(TextStyle(size, align=align, colour=size > 20) for size in (12.0, 40.0) for align in Align)


def prepare_text(data: bytes) -> None:
    """The rules of characters: what is accepted stays accepted, and its directions cover it."""
    text, rules = text_of(data), TextRules(separators="\n\\/", colour=len(data) % 2 == 0, no_break=len(data) % 3 == 0)
    prepared = prepare(text, rules)
    expect(prepare(prepared, rules) == prepared, f"{text!r} is prepared twice to another text")
    expect(unicodedata.is_normalized("NFC", prepared), "not NFC")
    for line in prepared.split("\n"):
        expect(len(levels(line)) == len(line), "a character without a direction")
        runs = sorted((run.start, run.end) for run in visual_runs(line))
        covered = [place for start, end in runs for place in range(start, end)]
        expect(covered == list(range(len(line))), f"{line!r} is not covered by its runs")


def set_text(data: bytes) -> None:
    """A text in lines of a width: nothing of it is lost, and it takes the room that was measured."""
    text, style = text_of(data), _STYLES[len(data) % len(_STYLES)]
    library, outlines = fonts()
    size = measure(text, style, library, width=_WIDTH)
    paragraph = lay_out(text, style, library, outlines, width=_WIDTH)
    expect(len(paragraph.lines) == size.lines, "it was measured with other lines")
    wanted = prepare(text, TextRules(colour=style.colour, no_break=True))
    expect(_bare("".join(line.text for line in paragraph.lines)) == _bare(wanted), f"{text!r} loses letters")
    expect(abs(paragraph.height - size.height) < 1e-6, "it was measured with another height")


def size_design(data: bytes) -> None:
    """A text as a design for a garment: about its size, or the reason why not."""
    width, height = text_size(text_of(data), fonts()[0])
    expect(width >= 1 and height >= 1, "a design without a side")


def show_text(data: bytes) -> None:
    """A text on its way out: nothing obeys it, and what is written for programs says the same."""
    text = text_of(data)
    expect(not _OBEYED.search(for_terminal(text)), "a terminal obeys it")
    markdown = for_markdown(text)
    expect(not _OBEYED.search(markdown) and "\n" not in markdown, "Markdown has another line")
    expect(not re.search(r"(?<!\\)(?:\\\\)*[\[<`]", markdown), "Markdown has a link or code")
    line = json.dumps(text, ensure_ascii=False)
    expect(json.loads(for_json_line(line)) == text, "JSON says something else")
    for_spreadsheet(text)


def caption(data: bytes) -> None:
    """A caption: its parts are the whole text, and a file of them has as many cues."""
    text = text_of(data)
    parts = list(_parts(text))
    expect(_bare("".join(parts)) == _bare(text), f"{text!r} loses letters")
    cues = [Cue(number, number + 1, part) for number, part in enumerate(parts)]
    expect(webvtt(cues).count("-->") == len(cues), "a cue is broken")


def partition_key(data: bytes) -> None:
    """A partition key gives back the text, and holds nothing that an address or a range obeys; others are refused."""
    text = text_of(data)
    key = encode_key(text)
    expect(_KEY.fullmatch(key) and "..." not in key, f"{key!r} is no key")
    expect(decode_key(key) == text, f"{key!r} is another text")
    expect(encode_key(decode_key(text)) == text, "two keys are one text")


def _bare(text: str) -> str:
    """A text without what may be dropped where a line ends."""
    return "".join(text.split())


@cache
def fonts() -> tuple[FontLibrary, Outlines]:
    """The installed fonts."""
    return FontLibrary(), Outlines()


def texts() -> Iterable[bytes]:
    """Names of all scripts."""
    return (text.encode("utf-8", "surrogatepass")[:300] for text in corpus())


_RULES = each(
    prepare_text, show_text, caption, partition_key, read_order_text, declared=(InvalidInputError, RefusedError)
)

TARGETS = (
    Target("words-rules", _RULES, lambda: [*texts(), *order_texts()], mutation=of_text, longest=300),
    Target("words-lines", each(set_text, size_design, declared=(PermanentError,)), texts, mutation=of_text,
           longest=300),
)  # fmt: skip
