"""Where the feed's own files are, for each way in which people write its address."""

from __future__ import annotations

import pytest

from orchestration.catalogue.feed.source import base_url, import_url


@pytest.mark.parametrize(
    ("written", "file", "base"),
    [
        ("https://h/Live/1", "https://h/Live/1/Import/Import.txt", "https://h/Live/1"),
        ("https://h/Live/1/", "https://h/Live/1/Import/Import.txt", "https://h/Live/1"),
        ("https://h/Live/1/Import/Import.txt", "https://h/Live/1/Import/Import.txt", "https://h/Live/1"),
        ("https://h/import/import.txt", "https://h/import/import.txt", "https://h"),
        ("https://h/feed/import.txt?key=a/b", "https://h/feed/import.txt?key=a/b", "https://h/feed"),
        ("https://h/Live/1?key=a", "https://h/Live/1/Import/Import.txt?key=a", "https://h/Live/1"),
        ("file:///srv/feed", "file:///srv/feed/Import/Import.txt", "file:///srv/feed"),
    ],
)
def test_the_address_is_parsed_and_not_glued(written: str, file: str, base: str) -> None:
    assert (import_url(written), base_url(written)) == (file, base)
