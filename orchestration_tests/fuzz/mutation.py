"""Changing inputs so that they stay what they are: JSON documents, PNG files, lines, texts.

A blind change of a byte is refused by the first check, and what lies behind is never reached. Keep out: which target
takes which (`targets`), and the choice of inputs, which is the fuzzer's.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

Mutation = Callable[[bytes, "Random"], bytes]
"""Gives another input; the bytes may be of any form."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_CRC: Final = 4
_DEEP: Final = 200
ODD_TEXTS: Final = (
    "", " ", "\0", "\ud800", "\u202e", "\u200d", "\ufeff", "\uffff", "\r\n", "null", "NaN", "-0", "1e999", "9" * 400,
    "../..", "%00", "file:///etc/passwd", "http://127.0.0.1/", "http://[::1]/", "https://a.example/x.png", "{{a}}",
    "a" * 300, "\u0645\u062d\u0645\u062f", "\u1112\u1161\u11ab", "e\u0301\u0301\u0301\u0301",
    "\U0001f468\u200d\U0001f467",    "2026-02-30", "9999-12-31T23:59:60Z", "#ff00zz", "=1+1", "-", "true", "A360",
)  # fmt: skip
ODD_NUMBERS: Final = (
    0, 1, -1, 0.5, -0.0, 1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400, 1e999, float("nan"),
)  # fmt: skip


def of_json(data: bytes, random: Random) -> bytes:
    """Change one value of a JSON document: another value, another type, gone, doubled, moved, deeper."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return of_text(data, random)
    for _ in range(random.choice((1, 1, 2, 4))):
        document = _changed(document, random)
    try:
        return json.dumps(document, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return data


def of_text(data: bytes, random: Random) -> bytes:
    """Change a text: a piece goes, comes twice, or an odd one comes in."""
    start, end = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    piece = random.choice(ODD_TEXTS).encode("utf-8", "surrogatepass")
    letter = chr(random.choice((random.randrange(0xD800), random.randrange(0xE000, 0x11_0000)))).encode()
    return random.choice(
        (
            data[:start] + data[end:],
            data[:end] + data[start:],
            data[:start] + piece + data[end:],
            data[:start] + piece + data[start:],
            data[:start] + letter + data[start:],
        )
    )


def of_lines(data: bytes, random: Random) -> bytes:
    """Change the lines of a file: their order, their number, or one of them."""
    lines = data.split(b"\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.randrange(4)
    if kind == 0:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 1:
        lines.insert(at, lines[other])
    elif kind == 2:
        del lines[at]
    else:
        lines[at] = of_text(lines[at], random)
    return b"\n".join(lines)


def of_png(data: bytes, random: Random) -> bytes:
    """Change one chunk of a PNG file, and make its checksum right again; other files get a byte."""
    if not data.startswith(_PNG) or random.random() < 0.1:
        at = random.randint(0, len(data))
        return data[:at] + random.randbytes(1) + data[at + 1 :]
    chunks = _chunks(data)
    at = random.randrange(len(chunks))
    kind, body = chunks[at]
    what = random.randrange(5)
    if what == 0:
        chunks.insert(random.randrange(len(chunks)), chunks[at])
    elif what == 1:
        del chunks[at]
    elif body:
        place, length = random.randrange(len(body)), random.choice((1, 1, 2, 4))
        chunks[at] = kind, body[:place] + random.randbytes(length) + body[place + length :]
    return _PNG + b"".join(_chunk(kind, body) for kind, body in chunks)


def of_zip(data: bytes, random: Random) -> bytes:
    """Change one file of a ZIP archive, and pack it again; of others a value of JSON, or a byte."""
    if data[:1] in (b"[", b"{"):
        return of_json(data, random)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001 - broken archives fail in many ways
        files = {}
    if not files:
        return of_png(data, random)
    name = random.choice(list(files))
    files[name] = of_text(files[name], random)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for one, content in files.items():
            archive.writestr(zipfile.ZipInfo(one), content)
    return packed.getvalue()


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], len(_PNG)
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 8 + length + _CRC
    return found or [(b"IEND", b"")]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _changed(value: Any, random: Random) -> Any:  # noqa: ANN401 - as JSON
    """The value with one change somewhere in it."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        name = random.choice(list(value))
        return _changed_object(dict(value), name, random)
    if isinstance(value, list) and value and random.random() < 0.85:
        return _changed_list(list(value), random.randrange(len(value)), random)
    return _odd(value, random)


def _changed_object(value: dict[str, Any], name: str, random: Random) -> dict[str, Any]:
    kind = random.randrange(8)
    if kind == 0:
        del value[name]
    elif kind == 1:
        value[random.choice((*ODD_TEXTS, *value))] = value[name]
    elif kind == 2:
        other = random.choice(list(value))
        value[name], value[other] = value[other], value[name]
    else:
        value[name] = _changed(value[name], random)
    return value


def _changed_list(value: list[Any], at: int, random: Random) -> list[Any]:
    kind = random.randrange(6)
    if kind == 0:
        del value[at]
    elif kind == 1:
        value.insert(at, value[random.randrange(len(value))])
    elif kind == 2:
        value = value * random.choice((2, 3, 20))
    else:
        value[at] = _changed(value[at], random)
    return value


def _odd(value: Any, random: Random) -> Any:  # noqa: ANN401 - as JSON
    kind = random.randrange(9)
    if kind <= 2 and isinstance(value, str):
        return of_text(value.encode("utf-8", "surrogatepass"), random).decode("utf-8", "surrogateescape")
    if kind <= 3 and isinstance(value, int | float):
        return random.choice((value + random.randint(-2, 2), value * 2, -value))
    if kind == 4:
        return _nested(value, random.choice((1, 2, 40, _DEEP)), random)
    odd: tuple[Any, ...] = (None, True, False, [], {}, str(value), [value], {"a": value})
    return random.choice((random.choice(odd), random.choice(ODD_TEXTS), random.choice(ODD_NUMBERS)))


def _nested(value: Any, levels: int, random: Random) -> Any:  # noqa: ANN401 - as JSON
    for _ in range(levels):
        value = [value] if random.random() < 0.5 else {"a": value}
    return value
