"""The gallery over HTTP: what is public is served, and what is not any more is not, from that very change on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from random import Random
from typing import TYPE_CHECKING

import pytest
import requests
import sqlalchemy as sa

from orchestration.gallery.history import Visibility, set_visibility
from orchestration.gallery.signup import SignupRules, refresh_signup
from orchestration.gallery.takedowns import takedown
from orchestration_tests.gallery.public_rows import know, picture, public_row, publish

if TYPE_CHECKING:
    from orchestration.services import Services

NOW = datetime(2026, 2, 1, tzinfo=UTC)
KEY = "media/avif/aa/aa.avif"


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=30)


@pytest.fixture
def published(services: Services) -> Services:
    """One public generation in the signup set, whose image has a smaller form."""
    with services.database.begin() as connection:
        publish(connection, [public_row(1, picture(1, 9.0), uid="u")])
        know(connection, "u", username="ada", email="ada@example.org", photo_url="https://photos/ada.jpg")
        refresh_signup(connection, SignupRules(), now=NOW, random=Random(1))
        connection.execute(sa.text(_PICTURE), {"key": KEY, "url": "https://images.example/1.png"})
    asyncio.run(services.objects.put_once(KEY, b"pixels"))
    return services


_PICTURE = """
    WITH stored AS (
        INSERT INTO media (content_hash, key, bytes, mime, width, height)
        VALUES ('cc', 'media/cc/cc.png', 1, 'image/png', 1, 1) RETURNING content_hash
    ), variant AS (
        INSERT INTO media_variant (content_hash, name, key, bytes, mime, width, height)
        SELECT content_hash, 'avif', :key, 1, 'image/avif', 1, 1 FROM stored
    ), source AS (
        INSERT INTO media_source (url, content_hash) SELECT :url, content_hash FROM stored
    )
    INSERT INTO generation_picture (history_id, url) VALUES ('g1', :url)
"""


@pytest.mark.usefixtures("published")
def test_the_signup_page_gets_an_image_with_its_creator_and_no_e_mail(base_url: str) -> None:
    answer = get(f"{base_url}/signup/image")
    assert answer.json() == {
        "imageUrl": "https://images.example/1.png",
        "prompt": "prompt 1",
        "generationId": "g1",
        "creator": {"username": "ada", "photoURL": "https://photos/ada.jpg"},
        "cachedAt": "2026-02-01T00:00:00+00:00",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert "example.org" not in answer.text


@pytest.mark.usefixtures("published")
def test_a_public_generation_is_served_as_it_is_mirrored(base_url: str) -> None:
    answer = get(f"{base_url}/generations/g1")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["prompt"] == "prompt 1"
    assert get(f"{base_url}/generations/g2").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.usefixtures("published")
def test_a_smaller_form_is_served_with_its_type_and_only_briefly_kept(base_url: str) -> None:
    answer = get(f"{base_url}/{KEY}")
    assert (answer.content, answer.headers["content-type"]) == (b"pixels", "image/avif")
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "sandbox" in answer.headers["content-security-policy"]
    again = get(f"{base_url}/{KEY}", If_None_Match=answer.headers["etag"])
    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
    for other in ("media/cc/cc.png", "media/../signing.key", "media/avif/aa/bb.avif"):
        assert get(f"{base_url}/{other}").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("how", ["private", "taken down", "deleted"])
def test_what_is_not_public_any_more_is_gone_at_once_everywhere(published: Services, base_url: str, how: str) -> None:
    with published.database.begin() as connection:
        if how == "private":
            set_visibility(connection, ["g1"], Visibility.PRIVATE)
        elif how == "taken down":
            takedown(connection, ["g1"], "asked for")
        else:
            connection.execute(sa.text("DELETE FROM generation_history"))
    for path in ("signup/image", "generations/g1", KEY):
        answer = get(f"{base_url}/{path}")
        assert (path, answer.status_code, answer.json()["code"]) == (path, HTTPStatus.NOT_FOUND, "not_found")
