"""Partition keys: any text of the outside world as a key that the UI, its URLs and its ranges can carry.

Belongs here: the encoding, and keeping a dynamic partition set in step with the rows it stands for. Does not: which
keys a domain has.

A key keeps letters, digits, `_`, `-` and single dots; any other byte of the UTF-8 text becomes `~XX`. Dagster refuses
commas, `...` and control characters in keys, and the UI puts keys into URLs unescaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.errors import InvalidInputError
from orchestration.runtime.run_states import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]|(?<![^.])\.", re.ASCII)
_ESCAPE = re.compile(rb"~([0-9A-F]{2})")
_KEY = re.compile(r"(?:[A-Za-z0-9_.-]|~[0-9A-F]{2})+", re.ASCII)


def encode_key(text: str) -> str:
    """The partition key of `text`, which must be Unicode and not empty. `decode_key` gives it back."""
    if not text:
        raise InvalidInputError("An empty name cannot be a partition key")
    try:
        return _UNSAFE.sub(_escape, text)
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{text!r} holds half a character; it cannot be a partition key") from error


def decode_key(key: str) -> str:
    """The text that `key` stands for; raises `InvalidInputError` for what `encode_key` never makes."""
    try:
        text = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), key.encode()).decode()
    except UnicodeDecodeError:
        text = ""
    if not _KEY.fullmatch(key) or encode_key(text or "?") != key:
        raise InvalidInputError(f"{key!r} is no partition key; characters other than A-Z a-z 0-9 _ - . are written ~XX")
    return text


def _escape(match: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in match[0].encode())


def add_keys(instance: dg.DagsterInstance, name: str, texts: Iterable[str]) -> int:
    """Add partitions for `texts` to the dynamic set `name`; how many are new.

    One query for any number of keys: through a sensor's result it would be one query a key, 57 s for 10,000.
    """
    known = set(instance.get_dynamic_partitions(name))
    new = list(dict.fromkeys(key for key in map(encode_key, texts) if key not in known))
    if new:
        instance.add_dynamic_partitions(name, new)
    return len(new)


def prune_keys(instance: dg.DagsterInstance, name: str, texts: Collection[str]) -> int:
    """Delete the partitions of `texts`, which are gone for good, unless a run that may use them is unfinished."""
    known = set(instance.get_dynamic_partitions(name)) if texts else set()
    gone = [key for key in map(encode_key, texts) if key in known]
    if not gone or _has_unfinished_runs(instance):
        return 0
    for key in gone:
        instance.delete_dynamic_partition(name, key)
    return len(gone)


def _has_unfinished_runs(instance: dg.DagsterInstance) -> bool:
    return instance.get_runs_count(dg.RunsFilter(statuses=UNFINISHED)) > 1  # the run that prunes is one of them
