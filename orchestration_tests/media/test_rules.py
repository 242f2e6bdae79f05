"""Which URLs the feed and its operator allow."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from orchestration.errors import ConfigurationError, InvalidInputError, OrchestrationError, RefusedError
from orchestration.media.rules import HostRules, parse_web_url
from orchestration.settings.catalogue import CatalogueSettings

FEED = "https://promi-dl.de/Profiles/Live/0000"
RULES = HostRules.for_feed(FEED, ["images.promi-dl.de", "minio.internal:9000", "[::1]:9001", "10.1.2.3:8443"])


def check(url: str, rules: HostRules = RULES) -> None:
    rules.check(parse_web_url(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://promi-dl.de/Profiles/Live/0000/Import/Import.txt",
        "https://PROMI-DL.DE./CAT.csv",
        "https://promi-dl.de:443/CAT.csv",
        "https://images.promi-dl.de/a.jpg",
        "http://images.promi-dl.de/a.jpg",
        "https://cdn.images.promi-dl.de/a.jpg",
        "https://images.promi-dl.de./a.jpg",
        "http://minio.internal:9000/a.jpg",
        "http://[::1]:9001/a.jpg",
        "https://10.1.2.3:8443/a.jpg",
    ],
)
def test_the_feed_and_the_listed_hosts_are_allowed(url: str) -> None:
    check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.jpg",
        "https://promi-dl.de:8080/a.jpg",
        "https://sub.promi-dl.de/a.jpg",
        "https://evilimages.promi-dl.de/a.jpg",
        "https://images.promi-dl.de.evil.example/a.jpg",
        "https://images.promi-dl.de:6379/a.jpg",
        "http://minio.internal/a.jpg",
        "http://minio.internal:9001/a.jpg",
        "http://sub.minio.internal:9000/a.jpg",
        "http://127.0.0.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://[::ffff:127.0.0.1]/a.jpg",
        "http://[fe80::1%25eth0]/a.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://10.1.2.3/a.jpg",
        "http://8.8.8.8/a.jpg",
        "http://2130706433/a.jpg",
        "http://0x7f.1/a.jpg",
        "http://127.1/a.jpg",
        "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/a.jpg",
        "http://127\u30020\u30020\u30021/a.jpg",
        "https://images.promi-dl.de@10.0.0.1/x",
        "https://user:word@images.promi-dl.de/x",
        "https://:@images.promi-dl.de/x",
        "ftp://images.promi-dl.de/a.jpg",
        "file:///etc/passwd",
        "gopher://images.promi-dl.de:80/_",
        "data:image/png;base64,AAAA",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        check(url)


def test_a_refusal_names_the_host_and_the_setting_that_would_allow_it() -> None:
    with pytest.raises(RefusedError, match=r"cdn\.example.*ORCHESTRATION_IMAGE_HOSTS"):
        check("https://cdn.example/a.jpg")


def test_a_refused_private_address_is_told_with_the_entry_that_would_trust_it() -> None:
    with pytest.raises(RefusedError, match=r"add \[::1\]:80 to ORCHESTRATION_IMAGE_HOSTS"):
        check("http://[::1]/a.jpg")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/feed", "http://[::1]:8080/feed", "http://localhost:8080"])
def test_a_feed_on_a_private_address_is_trusted_on_its_own_port_only(url: str) -> None:
    rules = HostRules.for_feed(url)
    check(f"{url}/a.jpg", rules)
    with pytest.raises(RefusedError):
        check(f"{url}/a.jpg".replace("8080", "8081"), rules)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "images/a.jpg",
        "//promi-dl.de/a",
        "https://",
        "http:/path",
        "https://promi-dl.de:99999/",
        "https://a b/",
        "https://promi-dl.de%2eevil.example/",
        "https://[::1",
        "http://a\\@promi-dl.de/",
        "https://promi-dl.de/\r\nHost: x",
        "https://promi-dl.de/\ud800",
        "https://.promi-dl.de/",
        "https://a..promi-dl.de/",
    ],
)
def test_what_is_no_url_is_invalid(url: str) -> None:
    with pytest.raises(InvalidInputError):
        check(url)


@given(st.text(max_size=60) | st.text("/:@.#?%[]\\hpte1promi-dl", max_size=60).map("http".__add__))
def test_any_text_is_refused_or_leads_to_an_allowed_host(text: str) -> None:
    try:
        check(text)
    except OrchestrationError:
        return
    host = (urlsplit(str(parse_web_url(text))).hostname or "").rstrip(".")
    assert host in {"promi-dl.de", "minio.internal", "::1", "10.1.2.3"} or f".{host}".endswith(".images.promi-dl.de")


def test_a_quoted_url_is_sent_as_it_was_written() -> None:
    text = "https://promi-dl.de/A23/A23-%2B%41~%26.json?x=%2F+"
    assert str(parse_web_url(text)) == text


def test_an_unquoted_url_is_quoted() -> None:
    assert parse_web_url("https://promi-dl.de/Größe 1|2.json").raw_path == "/Gr%C3%B6%C3%9Fe%201%7C2.json"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("https://images.promi-dl.de", "neither"),
        ("images.promi-dl.de/path", "neither"),
        ("*.promi-dl.de", "neither"),
        ("user@images.promi-dl.de", "neither"),
        ("images.promi-dl.de:port", "neither"),
        ("", "neither"),
        ("::1", "neither"),
        ("127.1:80", "neither"),
        ("10.0.0.5", "with its port"),
        ("de", "top-level domain"),
        ("localhost", "top-level domain"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_a_configuration_error(entry: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"ORCHESTRATION_IMAGE_HOSTS.*{reason}"):
        HostRules.for_feed(FEED, [entry])


@pytest.mark.parametrize("url", ["ftp://promi-dl.de", "promi-dl.de", "https://", "s3://bucket/x"])
def test_a_feed_elsewhere_than_on_the_web_or_in_files_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="feed's address"):
        HostRules.for_feed(url)


def test_a_bad_file_feed_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="feed's address"):
        HostRules.for_feed("file://elsewhere/share")


def test_a_public_address_without_a_port_is_allowed_on_the_web_ports() -> None:
    rules = HostRules.for_feed(FEED, ["8.8.8.8"])
    check("http://8.8.8.8/a.jpg", rules)
    with pytest.raises(RefusedError):
        check("http://8.8.8.8:8080/a.jpg", rules)


def test_a_listed_name_may_only_lead_to_public_addresses() -> None:
    assert RULES.admits("images.promi-dl.de", 443, "52.219.170.1")
    assert not RULES.admits("images.promi-dl.de", 443, "10.0.0.5")


def test_a_trusted_endpoint_may_lead_anywhere() -> None:
    assert RULES.admits("minio.internal", 9000, "10.0.0.5")
    assert not RULES.admits("minio.internal", 80, "10.0.0.5")


def test_an_international_entry_matches_both_its_spellings() -> None:
    rules = HostRules.for_feed(FEED, ["bücher.example"])
    rules.check(URL("https://xn--bcher-kva.example/a.jpg"))
    rules.check(URL("https://bilder.bücher.example/a.jpg"))


def test_rules_of_hosts_alone_admit_those_and_complain_in_the_name_of_their_own_setting() -> None:
    rules = HostRules.for_hosts(["cdn.gallery.test", "10.0.0.5:9000"], "THE_GALLERYS_HOSTS")
    rules.check(parse_web_url("https://cdn.gallery.test/a.png"))
    rules.check(parse_web_url("http://10.0.0.5:9000/a.png"))
    for url in ("https://elsewhere.test/a.png", "https://cdn.gallery.test:8080/a.png", "http://10.0.0.5/a.png"):
        with pytest.raises(RefusedError, match="THE_GALLERYS_HOSTS"):
            rules.check(parse_web_url(url))
    with pytest.raises(ConfigurationError, match="THE_GALLERYS_HOSTS: 'com'"):
        HostRules.for_hosts(["com"], "THE_GALLERYS_HOSTS")
    assert HostRules.for_hosts([], "THE_GALLERYS_HOSTS").root is None


@pytest.mark.parametrize("feed", ["http://promi-dl.de/Profiles", "https://promi-dl.de/Profiles"])
@pytest.mark.parametrize("url", ["http://promi-dl.de/a.jpg", "https://promi-dl.de/a.jpg"])
def test_http_and_https_of_the_feeds_host_are_one(feed: str, url: str) -> None:
    HostRules.for_feed(feed).check(URL(url))


@pytest.mark.parametrize("host", ["promi-dl.de", "images.promi-dl.de", "promidatabase.s3.eu-central-1.amazonaws.com"])
def test_the_hosts_of_promidata_need_no_setting(host: str) -> None:
    hosts = CatalogueSettings.model_fields["image_hosts"].default
    HostRules.for_feed("https://promidatabase.s3.eu-central-1.amazonaws.com/Profiles/Live/1", hosts).check(
        URL(f"https://{host}/A23/A23-1.json")
    )
