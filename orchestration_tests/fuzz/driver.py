"""One fuzz target under atheris, in a process of its own: `driver TARGET FOLDERS ARGUMENTS OF LIBFUZZER`.

The last of the folders is filled with the target's own seeds. Keep out: what is fuzzed (`targets`), and how long
(`__main__`).
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import atheris

if TYPE_CHECKING:
    from orchestration_tests.fuzz.target import Target

# What reads the input, in the product and below it. Only what is instrumented guides the fuzzer.
_READING: Final = ["orchestration", "uniseg", "yarl", "json", "csv", "email", "zipfile", "starlette", "multipart"]
_BLIND: Final = 0.3
"""The share of inputs that are changed byte by byte, whatever their form."""

with atheris.instrument_imports(include=_READING):
    from orchestration_tests.fuzz.table import TARGETS
    from orchestration_tests.fuzz.target import attempt


def drive(target: Target, arguments: list[str]) -> None:
    """Fuzz until the time is over, or something is found."""

    def one_input(data: bytes) -> None:
        attempt(target, data)

    def changed(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if target.mutation is None or random.random() < _BLIND:
            return bytes(atheris.Mutate(data, len(data)))
        other = target.mutation(data, random)
        # Cut off, it would not be of its form.
        return other if len(other) <= most else data

    atheris.Setup([*arguments, f"-max_len={target.longest}"], one_input, custom_mutator=changed)
    atheris.Fuzz()


def main(name: str, *arguments: str) -> None:
    """Write the seeds, and begin."""
    target = TARGETS[name]
    folders = [argument for argument in arguments if not argument.startswith("-")]
    for seed in target.seeds():
        Path(folders[-1], hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    drive(target, [sys.argv[0], *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
