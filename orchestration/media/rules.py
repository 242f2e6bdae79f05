"""Which URLs may be fetched: the feed's own endpoint and the hosts that the operator named.

The decision, from a URL alone or from a URL's endpoint and one looked-up address. Keep out: looking
names up (`resolver`), opening connections (`download`), reading files (`local_files`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Self

from yarl import URL

from orchestration.errors import ConfigurationError, InvalidInputError, RefusedError
from orchestration.media.addresses import ip_literal, is_public
from orchestration.media.local_files import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable

IMAGE_HOSTS_SETTING = "ORCHESTRATION_IMAGE_HOSTS"

_WEB_SCHEMES = ("http", "https")
_WEB_PORTS = (80, 443)
_SHOWN_CHARACTERS = 200
_HOST_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")

# A URL of nothing but these needs no quoting, so it is sent byte for byte; anything else is quoted by yarl first.
_QUOTED_URL = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]++|%[0-9A-Fa-f]{2})*+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse_web_url(text: str) -> URL:
    """Parse an absolute URL, quoting what must be quoted; InvalidInputError when it is none."""
    if _QUOTED_URL.fullmatch(text):
        return _parse(text, quoted=True)
    if _CONTROL.search(text) or not _is_unicode(text):
        raise InvalidInputError(f"{_excerpt(text)} is no URL: it holds control characters or broken text")
    return _parse(text, quoted=False)


def _parse(text: str, *, quoted: bool) -> URL:
    try:
        url = URL(text, encoded=quoted)
        _ = url.port  # parsed lazily: an impossible port shows here
    except (ValueError, IndexError) as error:  # as yarl says for a port without a host
        raise InvalidInputError(f"{_excerpt(text)} is no URL: {error}") from error
    if not url.scheme:
        raise InvalidInputError(f"{_excerpt(text)} is no URL: it has no scheme")
    return url


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class HostRules:
    """What a feed and its operator allow; build it with `for_feed` or `for_hosts`.

    `endpoints` are (host, port) pairs that are trusted as given, on private addresses too. `names` are hosts that are
    allowed with their subdomains, on the web's ports and on public addresses only. `root` is the folder of a
    `file://` feed. `setting` is the variable that the operator writes hosts into.
    """

    endpoints: frozenset[tuple[str, int]]
    names: frozenset[str]
    root: Path | None = None
    setting: str = IMAGE_HOSTS_SETTING

    @classmethod
    def for_feed(cls, feed_url: str, further_hosts: Iterable[str] = ()) -> Self:
        """Trust the feed's own host and port, or the folder of a `file://` feed, and what the further entries name.

        On the web's ports, http and https of the feed's host are one: its files name either.
        An entry is `name` (that host and its subdomains, ports 80 and 443, public addresses only) or `host:port`
        (exactly that endpoint, private or not: the operator's explicit word; IP addresses too, `[::1]:9000`).
        Raises ConfigurationError for a feed URL or an entry that is neither.
        """
        feed = _read_feed(feed_url)
        entries = [_read_entry(entry, IMAGE_HOSTS_SETTING) for entry in further_hosts]
        both = [(feed[0], port) for port in _WEB_PORTS] if isinstance(feed, tuple) and feed[1] in _WEB_PORTS else []
        return cls(
            endpoints=frozenset(entry for entry in (feed, *both, *entries) if isinstance(entry, tuple)),
            names=frozenset(entry for entry in entries if isinstance(entry, str)),
            root=feed if isinstance(feed, Path) else None,
        )

    @classmethod
    def for_hosts(cls, hosts: Iterable[str], setting: str) -> Self:
        """Trust what the entries of a setting name, each as in `for_feed`, and nothing else."""
        entries = [_read_entry(entry, setting) for entry in hosts]
        return cls(
            endpoints=frozenset(entry for entry in entries if isinstance(entry, tuple)),
            names=frozenset(entry for entry in entries if isinstance(entry, str)),
            setting=setting,
        )

    def check(self, url: URL) -> None:
        """Raise RefusedError unless the URL's scheme, host and port are allowed, InvalidInputError without a host."""
        if url.scheme not in _WEB_SCHEMES:
            raise RefusedError(f"{_excerpt(str(url))} is not fetched: only http and https are")
        if url.raw_user is not None or url.raw_password is not None:
            raise RefusedError(f"{url.host}: a URL with a user or a password in it is not fetched")
        host, port = _bare_host(url), url.port or 0
        if (host, port) in self.endpoints:
            return
        if (address := ip_literal(host)) is not None:
            self._check_address(host, port, address)
        if not self._names_allow(host):
            raise self._refusal(f"{host} is not an allowed host", remedy=host)
        if port not in _WEB_PORTS:
            raise self._refusal(f"{host} is not allowed on port {port}", remedy=f"{host}:{port}")

    def admits(self, host: str, port: int, address: str) -> bool:
        """Tell whether a checked host and port may be reached at this looked-up address."""
        return (host.rstrip("."), port) in self.endpoints or is_public(ip_address(address))

    def _check_address(self, host: str, port: int, address: IPv4Address | IPv6Address) -> None:
        if not is_public(address):
            endpoint = f"[{host}]:{port}" if address.version == 6 else f"{host}:{port}"  # noqa: PLR2004 - IPv6
            raise self._refusal(f"{host} is not a public address", remedy=endpoint)

    def _names_allow(self, host: str) -> bool:
        parts = host.split(".")
        return any(".".join(parts[start:]) in self.names for start in range(len(parts)))

    def _refusal(self, reason: str, *, remedy: str) -> RefusedError:
        return RefusedError(f"{reason}; to allow it, add {remedy} to {self.setting}")


def _bare_host(url: URL) -> str:
    host = (url.raw_host or "").rstrip(".").lower()
    if not host or not (":" in host or _HOST_NAME.fullmatch(host)):
        raise InvalidInputError(f"{_excerpt(str(url))} is no URL: it names no host")
    return host


def _read_feed(feed_url: str) -> Path | tuple[str, int]:
    try:
        if feed_url.lower().startswith("file:"):
            return path_of(feed_url)
        url = parse_web_url(feed_url)
        host = _bare_host(url)
    except InvalidInputError as error:
        raise ConfigurationError(f"the feed's address: {error}") from error
    if url.scheme not in _WEB_SCHEMES:
        raise ConfigurationError(
            f"the feed's address {_excerpt(feed_url)} must begin with https://, http:// or file://"
        )
    return host, url.port or 0


def _read_entry(entry: str, setting: str) -> str | tuple[str, int]:
    text = entry.strip()
    try:
        url = parse_web_url(f"http://{text}/")
        host = _bare_host(url)
        address = ip_literal(host)
    except (InvalidInputError, RefusedError) as error:
        raise _bad_entry(setting, entry, "is neither `name` nor `host:port`") from error
    if url.path != "/" or "@" in text or "?" in text or "#" in text:
        raise _bad_entry(setting, entry, "is neither `name` nor `host:port`")
    if url.explicit_port is not None:
        return host, url.explicit_port
    if address is not None and not is_public(address):
        raise _bad_entry(setting, entry, "is not a public address: write it with its port to trust it")
    if address is None and "." not in host:
        raise _bad_entry(setting, entry, "would allow a whole top-level domain: write it with its port, or in full")
    return host


def _bad_entry(setting: str, entry: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{setting}: {entry!r} {reason}")
