"""A signed link leads to one object for a while, and cannot be bent towards another."""

from __future__ import annotations

import asyncio
import multiprocessing
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from uuid import uuid4

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import ConfigurationError, InvalidInputError, RefusedError
from orchestration.settings import Settings
from orchestration.storage.links import LinkExpiredError, Links, WrongSignatureError
from orchestration.storage.objects import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.services import Services

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
KEY = "a key that is long enough"

# Processes are forked off a small server that has imported this module, which takes milliseconds instead of seconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.storage.test_links"])


def links_of(store: str = "memory:///", **values: Any) -> Links:  # noqa: ANN401 - as the settings take them
    """Links with a key of their own, unless the values say otherwise."""
    return Links(Settings(**{"signing_key": KEY, "public_url": "https://shop.example", **values}), ObjectStore(store))


def parts(url: str) -> dict[str, str]:
    """What a link says, as a server reads it."""
    split = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(split.query, strict_parsing=True).items()}
    return {"key": unquote(split.path.removeprefix("/objects/")), **query}


def test_a_link_says_where_until_when_and_that_we_made_it() -> None:
    link = links_of(signed_link_hours=2).sign("prints/ab/abc.stl", now=NOW)
    assert link.expires_at == NOW + timedelta(hours=2)
    assert link.url.startswith("https://shop.example/objects/prints/ab/abc.stl?expires=1772373600&signature=")
    links_of().verify(**parts(link.url), now=NOW)


keys = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(key=keys, filename=st.none() | keys)
def test_whatever_the_names_hold_a_link_survives_the_url(key: str, filename: str | None) -> None:
    link = links_of().sign(key, now=NOW, filename=filename)
    assert link.url.isascii()
    links_of().verify(**parts(link.url), now=NOW)


@given(key=keys, filename=keys, other=keys, further=keys)
def test_a_link_is_good_for_its_own_key_and_name_only(key: str, filename: str, other: str, further: str) -> None:
    said = parts(links_of().sign(key, now=NOW, filename=filename).url) | {"key": other, "filename": further}
    if (other, further) != (key, filename):
        with pytest.raises(WrongSignatureError):
            links_of().verify(**said, now=NOW)


def test_a_link_ends_on_time() -> None:
    link = links_of(signed_link_hours=1).sign("key", now=NOW)
    links_of().verify(**parts(link.url), now=link.expires_at - timedelta(seconds=1))
    with pytest.raises(LinkExpiredError, match="ended at 2026-03-01 13:00 UTC; ask for a new one"):
        links_of().verify(**parts(link.url), now=link.expires_at)


def test_a_lifetime_goes_before_the_hours_of_the_settings() -> None:
    link = links_of(signed_link_hours=1).sign("key", now=NOW, lifetime=timedelta(minutes=5))
    assert link.expires_at == NOW + timedelta(minutes=5)
    with pytest.raises(LinkExpiredError):
        links_of().verify(**parts(link.url), now=link.expires_at)


def test_a_local_link_may_live_longer_than_s3_allows() -> None:
    link = links_of().sign("key", now=NOW, lifetime=timedelta(days=365))
    links_of().verify(**parts(link.url), now=NOW + timedelta(days=364))


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(hours=-1), timedelta(milliseconds=999)])
def test_a_link_that_would_not_live_is_refused(lifetime: timedelta) -> None:
    with pytest.raises(InvalidInputError, match="at least a second"):
        links_of().sign("key", now=NOW, lifetime=lifetime)


def test_s3_links_keep_within_a_week(s3_variables: str) -> None:
    links = links_of(f"s3://{s3_variables}/prefix")
    now = datetime.now(UTC)
    link = links.sign("key", now=now, lifetime=timedelta(minutes=5))
    assert link.expires_at == now + timedelta(minutes=5)
    assert parts(link.url)["X-Amz-Expires"] == "300"
    assert parts(links.sign("key", now=now, lifetime=timedelta(hours=168)).url)["X-Amz-Expires"] == "604800"
    with pytest.raises(InvalidInputError, match="at most 168 hours, not for 169"):
        links.sign("key", now=now, lifetime=timedelta(hours=169))


@pytest.mark.parametrize(
    "change",
    [
        {"expires": "1972373600"},
        {"expires": ""},
        {"expires": "never"},
        {"expires": "+1772373600"},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "größer"},
        {"signature": "\ud800"},
        {"key": "prints/ab/other.stl"},
        {"key": "prints/ab/\ud800"},
        {"filename": "other.stl"},
        {"filename": None},
    ],
)
def test_a_changed_link_is_refused(change: dict[str, Any]) -> None:
    said = parts(links_of(signed_link_hours=2).sign("prints/ab/abc.stl", now=NOW, filename="Anna.stl").url)
    with pytest.raises(WrongSignatureError, match="ask for a new one"):
        links_of().verify(**said | change, now=NOW)


def test_every_refusal_is_a_rule_of_ours() -> None:
    assert issubclass(WrongSignatureError, RefusedError)
    assert issubclass(LinkExpiredError, RefusedError)


def test_another_key_ends_all_links() -> None:
    link = links_of().sign("key", now=NOW)
    with pytest.raises(WrongSignatureError):
        links_of(signing_key="another key, as long").verify(**parts(link.url), now=NOW)


def test_a_short_key_is_no_key() -> None:
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_SIGNING_KEY"):
        links_of(signing_key="short").sign("key", now=NOW)


@pytest.mark.parametrize("given_key", [None, ""])
def test_without_a_key_one_is_made_in_the_home_and_kept(tmp_path: Path, given_key: str | None) -> None:
    home = tmp_path / "home"
    link = links_of(signing_key=given_key, home=home).sign("key", now=NOW)
    assert [path.name for path in home.iterdir()] == ["signing.key"]
    assert stat.S_IMODE((home / "signing.key").stat().st_mode) == 0o600
    links_of(signing_key=given_key, home=home).verify(**parts(link.url), now=NOW)
    with pytest.raises(WrongSignatureError):
        links_of(signing_key=given_key, home=tmp_path / "another").verify(**parts(link.url), now=NOW)


def sign_when_told(home: Path, started: Any, told: Any, signed: Any) -> None:  # noqa: ANN401 - multiprocessing's own
    """Make a link in a process of its own."""
    links = links_of(signing_key=None, home=home)
    started.release()
    told.wait()
    signed.put(links.sign("key", now=NOW).url)


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    started, told, signed = _processes.Semaphore(0), _processes.Event(), _processes.Queue()
    arguments = (tmp_path / "home", started, told, signed)
    running = [_processes.Process(target=sign_when_told, args=arguments) for _ in range(6)]
    for process in running:
        process.start()
    for _ in running:
        assert started.acquire(timeout=30)
    told.set()
    assert len({signed.get(timeout=30) for _ in running}) == 1
    for process in running:
        process.join(30)


@pytest.mark.parametrize("content", [b"", b"cut"])
def test_a_key_file_that_holds_no_key_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signing.key").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"signing\.key holds no key"):
        links_of(signing_key=None, home=tmp_path).sign("key", now=NOW)


def test_a_home_that_takes_no_key_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_bytes(b"no folder")
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_SIGNING_KEY"):
        links_of(signing_key=None, home=tmp_path / "home").sign("key", now=NOW)


def test_s3_gives_the_object_to_whoever_has_the_link(s3_variables: str, tmp_path: Path) -> None:
    prefix = uuid4().hex
    store = ObjectStore(f"s3://{s3_variables}/{prefix}")
    key = "prints/Größe 10% & +1 'x' #1.stl"
    asyncio.run(store.put_once(key, b"solid", mime="model/stl"))
    now = datetime.now(UTC)
    link = links_of(store.url, signing_key=None, home=tmp_path / "home").sign(key, now=now, filename="Anna.stl")

    assert link.expires_at == now + timedelta(hours=168)
    assert urlsplit(link.url).path == quote(f"/{s3_variables}/{prefix}/{key}")
    assert parts(link.url)["X-Amz-Expires"] == str(168 * 3600)
    assert requests.get(link.url, timeout=10).content == b"solid"
    assert not (tmp_path / "home").exists(), "S3 checks the link itself"


def test_the_services_links_lead_to_their_objects(services: Services) -> None:
    link = services.links.sign("key", now=NOW)
    assert link.url.startswith("http://127.0.0.1:3001/objects/key?")
    services.links.verify(**parts(link.url), now=NOW)
    assert services.links is services.links
