"""A type that is prepared may be used first by several threads at once."""

from __future__ import annotations

import subprocess
import sys

# Another type each time, as each is built once; without `prepared` some hundred of them end the process.
_TRIALS = """
import sys, threading
import msgspec
from orchestration.wire_types import prepared

sys.setswitchinterval(1e-6)
for trial in range(400):
    inner = msgspec.defstruct("Inner", [("a", "int | None", None), ("b", "tuple[float, float] | None", None)])
    outer = msgspec.defstruct("Outer", [(name, "str | None", None) for name in "abcdef"] + [("i", list[inner], [])])
    prepared(outer)
    start = threading.Barrier(4)
    read = lambda: (start.wait(), msgspec.convert({"a": "x", "i": [{"a": 1}]}, outer))
    threads = [threading.Thread(target=read) for _ in range(4)]
    [one.start() for one in threads]
    [one.join() for one in threads]
"""


def test_a_type_that_is_prepared_is_read_by_several_threads_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", _TRIALS], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
