"""Pictures, addresses and answers of the web: what is fetched, from where, and what it is."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, ImageCms

from orchestration.errors import ConfigurationError, InvalidInputError, RefusedError
from orchestration.gallery.addresses import ends_at, unsigned
from orchestration.media.addresses import ip_literal, is_public
from orchestration.media.encodings import BLUR, RenditionFormat, RenditionSpec, encode_renditions
from orchestration.media.image_problems import InvalidImageError
from orchestration.media.image_rules import IntakeRules
from orchestration.media.intake import take_in
from orchestration.media.local_files import path_of
from orchestration.media.rules import HostRules, parse_web_url
from orchestration.media.statuses import MAX_RETRY_AFTER_SECONDS, parse_retry_after
from orchestration_tests.fuzz.mutation import of_png, of_text
from orchestration_tests.fuzz.target import Target, each, expect, parts_of, text_of
from orchestration_tests.media.pictures import encode, plain, scene

if TYPE_CHECKING:
    from collections.abc import Iterable

_DECLARED = (InvalidInputError, RefusedError, ConfigurationError)
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
# What the rules allow at most may take minutes and gigabytes, in a process of its own that is killed. Here they allow
# a hundredth of it, so that two seconds are as much as a minute there.
RULES = IntakeRules(max_pixels=400_000, max_scans=20)
_SMALL = RenditionSpec("small", RenditionFormat.JPEG, box=64, quality=60)
_ALLOWED = ("images.example.com", "192.168.1.9:9000", "[::1]:9000", "8.8.8.8")


def take_picture(data: bytes) -> None:
    """A picture from outside, as its pixels and as renditions; both ways agree on whether it is one."""
    image = take_in(data, RULES)
    expect(image.pixels.dtype == np.uint8 and image.pixels.shape[2] in {3, 4}, "no pixels of sRGB")
    expect(image.width * image.height <= RULES.max_pixels, "more pixels than allowed")
    for rendition in encode_renditions(data, (_SMALL, BLUR)):
        expect(max(rendition.width, rendition.height) <= _SMALL.box, "a rendition is too large")


def check_address(data: bytes) -> None:
    """An address of a medium: what is admitted is a host that was named, and never an address inside the network."""
    text = text_of(data)
    url = parse_web_url(text)
    rules = HostRules.for_hosts(_ALLOWED, "ORCHESTRATION_X")
    rules.check(url)
    host, port = (url.raw_host or "").rstrip(".").lower(), url.port
    named = host == "images.example.com" or host.endswith(".images.example.com") or host == "8.8.8.8"
    endpoint = (host, port) in {("192.168.1.9", 9000), ("::1", 9000)}
    expect(endpoint or (named and port in {80, 443}), f"{text!r} leads to {host}:{port}")
    expect((urlsplit(str(url)).hostname or "").rstrip(".") == host, f"{text!r} is read as two hosts")
    if not endpoint and (address := ip_literal(host)) is not None:
        expect(is_public(address), f"{text!r} is a private address")


def check_looked_up(data: bytes) -> None:
    """An address that a name was looked up as: what is admitted is on the public internet by another reading too."""
    address = ip_address(data[:4].ljust(4, b"\0") if len(data) % 2 else data[:16].ljust(16, b"\0"))
    if HostRules.for_hosts(("a.example",), "X").admits("a.example", 443, str(address)):
        expect(address.is_global and not address.is_multicast and not address.is_private, f"{address} is admitted")
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        expect(inner is None, f"{address} carries {inner}")


def read_hosts(data: bytes) -> None:
    """An entry of a list of hosts, and a feed's address, as an operator writes them."""
    entry, feed = parts_of(data, 2)
    try:
        HostRules.for_hosts([entry], "ORCHESTRATION_X")
    except ConfigurationError as error:
        expect("ORCHESTRATION_X" in str(error), "the setting is not named")
    HostRules.for_feed(feed)


def read_file_address(data: bytes) -> None:
    """A file's address becomes an absolute path without NUL."""
    path = path_of(text_of(data))
    expect(path.is_absolute() and "\0" not in str(path) and isinstance(path, Path), f"{path} is no path")


def read_retry_after(data: bytes) -> None:
    """What a server asks to wait is between now and an hour, or nothing."""
    wait = parse_retry_after(text_of(data), now=_NOW)
    expect(wait is None or 0 <= wait <= MAX_RETRY_AFTER_SECONDS, f"{wait} s")


def read_signed_address(data: bytes) -> None:
    """The address of a medium that a store has signed: what signs it is taken away once and for all."""
    address = text_of(data)
    plain = unsigned(address)
    expect(unsigned(plain) == plain, f"{address!r} is stripped twice")
    end = ends_at(address)
    expect(end is None or end.tzinfo is not None, "an end without a zone")


def pictures() -> Iterable[bytes]:
    """Small pictures of each format, and those in which formats differ: colours, palettes, profiles, animation."""
    small = scene(24, 16)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield from (
        encode(small, form, **({"quality": 50} if form == "AVIF" else {}))
        for form in ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
    )
    yield encode(small, "PNG", icc_profile=profile)
    yield encode(small, "JPEG", icc_profile=profile, exif=_turned())
    yield encode(small, "JPEG", progressive=True)
    yield encode(small.convert("CMYK"), "JPEG")
    yield encode(small.convert("P"), "PNG", transparency=3)
    yield encode(plain("LA", (90, 40), (9, 7)), "PNG")
    yield encode(plain("I;16", 40_000, (9, 7)), "PNG")
    yield encode(plain("1", 1, (9, 7)), "PNG")
    yield encode(small.convert("RGBA"), "WEBP", lossless=True)
    frames = [small, small.rotate(90)]
    yield encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield encode(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield b"RIFF" + struct.pack("<I", 4) + b"WEBP"


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO(exif.tobytes())
    return file.getvalue()


def _addresses() -> Iterable[bytes]:
    hosts = (
        "images.example.com/a.png", "a.images.example.com:443/%2e%2e/b?c=d#e", "192.168.1.9:9000/x", "[::1]:9000/x",
        "8.8.8.8/x", "127.1/", "0x7f.1/", "2130706433/", "[::ffff:10.0.0.1]/", "images.example.com@127.0.0.1/",
        "127.0.0.1#@images.example.com/", "images.example.com:80\\@127.0.0.1/", "images.example.com%00.evil/",
        "\u2460\u2461\u2466.0.0.1/", "images\u3002example\u3002com/", "images.example.com./", "IMAGES.EXAMPLE.COM/",
    )  # fmt: skip
    yield from (f"http{'s' * (number % 2)}://{host}".encode() for number, host in enumerate(hosts))
    yield from (b"a.example:80\0https://a.example/x", b"[::1]:9\0file:///a/b", b"10.0.0.1\0http://[fe80::1%25eth0]/")
    yield from (b"\x08\x08\x08\x08\x01", b"\0" * 10 + b"\xff\xff\x0a\0\0\1", b"\x20\x02\x0a\0\0\1")
    yield from (b"file:///a/b%20c", b"file://localhost/x%00", b"file:x")
    yield from (b"120", b"Wed, 21 Oct 2026 07:28:00 GMT", b"Wed, 21 Oct 2026 07:28:00 +0200")
    yield b"https://a.example/x?X-Amz-Date=20260301T000000Z&X-Amz-Expires=60&X-Amz-Signature=a&v=1#f"
    yield from (b"https://a/x?Expires=1772323200&Signature=b", b"https://a/x?se=2026-03-01T00:00Z&sig=c")


TARGETS = (
    Target("media-picture", take_picture, pictures, declared=(InvalidImageError,), mutation=of_png, longest=8192),
    Target("media-address", each(check_address, check_looked_up, read_hosts, read_file_address, read_signed_address,
           read_retry_after, declared=_DECLARED), _addresses, declared=_DECLARED, mutation=of_text, longest=300),
)  # fmt: skip
