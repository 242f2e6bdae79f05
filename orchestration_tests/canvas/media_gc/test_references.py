"""A medium that is in use is found in every form that a page can hold, by everything that looks for references."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.media_gc.census import referenced_media, take_census
from orchestration.canvas.media_gc.model import FOLDER
from orchestration.canvas.model import Operation, OperationType
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.canvas.snapshots import save
from orchestration_tests.canvas.media_gc.worlds import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.storage.database import Database
    from orchestration_tests.canvas.media_gc.worlds import RealWorld

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MEDIUM = {"id": "Kx_7-Qz", "url": "https://cdn.example/m/Straße 7.png", "key": f"{FOLDER}/9f/{HASH}.png"}


# How a page holds a text that is an id, a key or an address.
ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded twice": lambda text: quote(quote(text, safe="")),
    "in small hexadecimal digits": lambda text: quote(text, safe="").lower().replace("%2f", "%2F"),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"source": text}).replace("/", "\\/")),
    "numbered entities": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "entities in hexadecimal": lambda text: "".join(f"&#x{ord(sign):x};" for sign in text),
    "named entities": lambda text: html.escape(text).replace("/", "&sol;").replace(".", "&period;"),
    "escaped for scripts": lambda text: "".join(rf"\u{ord(sign):04x}" if sign in "/:.-" else sign for sign in text),
    "bytes of scripts": lambda text: text.replace("/", r"\x2f"),
    "escaped for style sheets": lambda text: text.replace("/", r"\2f "),
    "in capitals": lambda text: "".join(sign.upper() if sign.isascii() else sign for sign in text),
}
# What stands around it.
PLACES: dict[str, str] = {
    "alone": "{}",
    "in a sentence": "The new one is {}, and the old one is gone.",
    "at the end of a sentence": "See {}.",
    "a tag": '<p>See <img alt="x" src="{}" width=3></p>',
    "a tag with single quotes": "<img src='{}'>",
    "a tag without quotes": "<img src={}>",
    "a set of sources": '<img srcset="a.png 1x, {} 2x, b.png 3x">',
    "Markdown": "![a picture]({})",
    "a link of Markdown": "<{}>",
    "emphasis": "**{}** and _{}_",
    "a style": "body { background: url({}) no-repeat }",
    "a list": "one,{},three",
    "other writing": "「{}」を見て",
    "curly quotes": "He wrote “{}” … twice",
    "a value of a query": "https://resizer.example/?w=640&src={}&q=75",
    "a line of several": "x\n{}\ny",
}
ADDRESSES: dict[str, str] = {
    "absolute": "https://cdn.example/m/Straße 7.png",
    "another scheme": "http://cdn.example/m/Straße 7.png",
    "no scheme": "//cdn.example/m/Straße 7.png",
    "another host": "https://images.example:8443/m/Straße 7.png",
    "a bucket first": "https://files.example/bucket/m/Straße 7.png",
    "relative to the host": "/m/Straße 7.png",
    "relative": "../m/Straße 7.png",
    "a query": "https://cdn.example/m/Straße 7.png?w=640&X-Amz-Expires=900",
    "a fragment": "https://cdn.example/m/Straße 7.png#top",
    "through a resizer": "https://resizer.example/cdn-cgi/width=80/https://cdn.example/m/Straße 7.png",
    "the key": f"{FOLDER}/9f/{HASH}.png",
    "a signed link to the key": f"https://s3.example/bucket/deep/er/{FOLDER}/9f/{HASH}.png?signature=x%2Fy",
    "a rendition of it": f"/media/thumbnail/{HASH}.webp",
    "the id": "Kx_7-Qz",
    "the id in a path": "/api/media/Kx_7-Qz/raw",
    "the id in a scheme": "wildmind://media/Kx_7-Qz",
    "the id as a file": "thumbnails/Kx_7-Qz.webp",
}


def naming(database: Database, texts: dict[str, str], medium: dict[str, str] = MEDIUM) -> set[str]:
    """Those of the texts that refer to the medium, by the rule that everything uses."""
    with database.connect() as connection:
        rows = connection.execute(_NAMING, {"titles": list(texts), "texts": list(texts.values()), **medium})
        return set(rows.scalars())


_NAMING = sa.text("""
    SELECT title FROM unnest(CAST(:titles AS text[]), CAST(:texts AS text[])) AS t (title, text)
    WHERE media_names(:id, :url, :key) && ARRAY(SELECT media_names_in(text))
""")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_form_of_reference_is_found(shared_database: Database, encoding: str) -> None:
    texts = {
        f"{name}, {place}": around.replace("{}", ENCODINGS[encoding](address))
        for place, around in PLACES.items()
        for name, address in ADDRESSES.items()
    }
    assert texts.keys() - naming(shared_database, texts) == set()


PROSE = "A fox in a red coat; 24 of them. Quick_brown m/other.png https://cdn.example/m/other.png Kx_7-Qy 9f86d0"


def test_a_text_that_names_no_medium_keeps_none(shared_database: Database) -> None:
    other = '{"url": "https://cdn.example/other/Straße 7.png?w=m/"}'
    assert naming(shared_database, {"prose": PROSE, "nothing": "", "another": other}) == set()


NAMES = st.text(st.sampled_from("abcXYZ019_-"), min_size=4, max_size=24).filter(lambda name: name.strip("_-"))
FOLDERS = st.lists(st.text(st.sampled_from("abcé019_- +%&'"), min_size=1, max_size=8), max_size=4)
ODD = ("%", "%%4", "&", "&amp", "\\", "\\u12", '"', "日本", "a/b//", "data:;base64,AA/A=")
NOISE = st.lists(st.text(max_size=12) | st.sampled_from(ODD), max_size=4).map(" ".join)


@st.composite
def references(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """A medium, and a text that refers to it in one of its ways."""
    path = "/".join(quote(one) for one in [*draw(FOLDERS), f"{draw(NAMES)}.png"])
    medium = {"id": draw(NAMES), "url": f"https://cdn.example/{path}", "key": f"{FOLDER}/9f/{HASH}.png"}
    used = draw(st.sampled_from(sorted(medium)))
    encoding, place = draw(st.sampled_from(sorted(ENCODINGS))), draw(st.sampled_from(sorted(PLACES)))
    form = PLACES[place].replace("{}", ENCODINGS[encoding](medium[used]))
    text = f"{draw(NOISE)} {form} {draw(NOISE)}".replace("\0", "").encode(errors="ignore").decode()
    return medium | dict.fromkeys({"id", "key"} - {used}, "zzzz"), text


@given(reference=references())
def test_random_references_in_random_texts_are_always_found(
    shared_database: Database, reference: tuple[dict[str, str], str]
) -> None:
    medium, text = reference
    assert naming(shared_database, {"text": text}, medium) == {"text"}


HELD = {
    "HTML": '<p>See <img src="https://files.example/bucket/{key}"></p>',
    "Markdown, percent-encoded": "![x](https://files.example/o/{quoted}?alt=media)",
    "JSON in a text": '{{"src": "https:\\/\\/cdn.example\\/{escaped}"}}',
    "an id in a sentence": "as on (dead), but larger",
    "several in one": "url(/x.png), url(/{key}#x), url(/y.png)",
}


@pytest.mark.parametrize("form", HELD)
def test_census_last_look_triggers_and_snapshots_find_the_same(real: RealWorld, form: str) -> None:
    key = key_of("dead")
    text = HELD[form].format(key=key, quoted=quote(key, safe=""), escaped=key.replace("/", "\\/"))
    real.add("dead")
    for number in range(9):
        real.add(f"used-{number}")
        real.refer(f"place-{number}", f"used-{number}")
    real.collect()
    assert real.marked() == {"dead"}
    with real.services.database.begin() as connection:
        create_projects(connection, [NewProject("board", "Board", "ada")])
        element = {"type": "text", "meta": {"html": [{"deep": text}]}}
        append(
            connection, "board", [NewOperation(Operation(OperationType.CREATE, "e", data={"element": element}), "ada")]
        )
    assert real.marked() == set(), "the trigger"
    with real.services.database.begin() as connection:
        assert referenced_media(connection, real.collector.sources, ["dead", "nobody"]) == {"dead"}, "the last look"
        census = take_census(connection, real.collector.sources, real.clock(), real.clock() - real.clock(), 99)
        assert census.places["elements"] == 10, "the census"
        save(connection, "board")
        connection.execute(sa.text("DELETE FROM canvas_element"))
        assert referenced_media(connection, real.collector.sources, ["dead"]) == {"dead"}, "the snapshot"
