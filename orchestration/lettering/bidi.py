"""The order in which the runs of a line are drawn when right-to-left and left-to-right letters meet.

The Unicode Bidirectional Algorithm for one paragraph without embedding controls, which `text` refuses. Keep out:
shaping, mirroring or joining, which HarfBuzz does inside a run.

Rule names (P2, W1-W7, N0-N2, I1-I2, L1-L2) are those of Unicode Standard Annex #9. A single line may leave N0 out and
resolve brackets as plain neutrals: so the shapes of names, which are kept by their text, stay what they are.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRONG: Final = {"L": "L", "R": "R", "AL": "R", "AN": "R", "EN": "R"}
"""What each resolved type counts as beside a neutral (N1)."""
_CLOSING: Final = (
    {"(": ")", "[": "]", "{": "}"}
    | {chr(code): chr(code + 1) for code in (0x2045, 0x207D, 0x208D, 0x27E8, 0x27EA, 0x2E28, *range(0x3008, 0x3011, 2))}
    | {chr(code): chr(code + 1) for code in (*range(0x3014, 0x301B, 2), 0xFF08, 0xFF62)}
    | {chr(code): chr(code + 2) for code in (0xFF3B, 0xFF5B)}
)
"""The closing bracket of each opening one, as the Unicode Character Database (BidiBrackets) has them, but for those of
formulas."""
_NEUTRAL: Final = frozenset({"B", "S", "WS", "ON"})


class Run(NamedTuple):
    """A stretch of the line, `start` to `end`, that is drawn in one direction."""

    start: int
    end: int
    right_to_left: bool


def base_level(text: str) -> int:
    """Return 1 when the first strong letter is right-to-left, else 0 (P2, P3)."""
    for character in text:
        kind = _class(character)
        if kind in ("L", "R", "AL"):
            return int(kind != "L")
    return 0


def visual_runs(text: str) -> list[Run]:
    """Return the runs of a single line from left to right, brackets resolved as plain neutrals."""
    if not any(_class(character) in ("R", "AL", "AN") for character in text):
        return [Run(0, len(text), right_to_left=False)] if text else []
    return reordered(levels(text, pair_brackets=False))


def levels(text: str, *, pair_brackets: bool = True) -> list[int]:
    """Return the embedding level of each character (I1, I2): odd ones are drawn right to left."""
    base = base_level(text)
    direction = "R" if base else "L"
    types = _weak_types([_class(character) for character in text], direction)
    if pair_brackets:
        types = _bracket_types(text, types, direction)
    types = _neutral_types(types, direction)
    return [_level(base, kind) for kind in types]


def _class(character: str) -> str:
    """The bidirectional class (UAX 9, table 4); noncharacters, which have none, are as letters."""
    return unicodedata.bidirectional(character) or "L"


def _level(base: int, kind: str) -> int:
    if base:
        return 1 if kind == "R" else 2
    return {"L": 0, "R": 1}.get(kind, 2)


def _weak_types(types: list[str], start: str) -> list[str]:
    types = _marks_and_numbers(types, start)
    types = _separators_and_terminators(types)
    return _european_after_latin(types, start)


def _marks_and_numbers(types: list[str], start: str) -> list[str]:
    """W1 to W3: a mark takes its letter's type, a digit after an Arabic letter is an Arabic number."""
    resolved: list[str] = []
    strong = start
    for kind in types:
        now = (resolved[-1] if resolved else start) if kind == "NSM" else kind
        if now in ("L", "R", "AL"):
            strong = now
        resolved.append("AN" if now == "EN" and strong == "AL" else now)
    return ["R" if kind == "AL" else kind for kind in resolved]


def _separators_and_terminators(types: list[str]) -> list[str]:
    """W4 to W6: a separator between two numbers joins them, a sign beside one belongs to it; the rest is neutral."""
    joined = list(types)
    for at in range(1, len(joined) - 1):
        before, kind, after = joined[at - 1 : at + 2]
        if before == after and ((kind == "ES" and before == "EN") or (kind == "CS" and before in ("EN", "AN"))):
            joined[at] = before
    for at in range(len(joined)):
        if joined[at] == "ET" and _terminates(joined, at):
            joined[at] = "EN"
    return ["ON" if kind in ("ES", "ET", "CS", "BN") else kind for kind in joined]


def _terminates(types: list[str], at: int) -> bool:
    """W5: the run of terminators that `at` lies in touches a European number."""
    end = at
    while end < len(types) and types[end] == "ET":
        end += 1
    return (at > 0 and types[at - 1] == "EN") or (end < len(types) and types[end] == "EN")


def _european_after_latin(types: list[str], start: str) -> list[str]:
    """W7: a number after a left-to-right letter goes with it."""
    resolved: list[str] = []
    strong = start
    for kind in types:
        if kind in ("L", "R"):
            strong = kind
        resolved.append("L" if kind == "EN" and strong == "L" else kind)
    return resolved


def _bracket_types(text: str, types: list[str], base: str) -> list[str]:
    """N0: the two brackets of a pair go with what they enclose, so that they stay around it."""
    resolved = list(types)
    for start, end in _bracket_pairs(text, types):
        inside = {_STRONG[kind] for kind in resolved[start + 1 : end] if kind in _STRONG}
        if not inside:
            continue
        before = next((_STRONG[kind] for kind in reversed(resolved[:start]) if kind in _STRONG), base)
        # Only the other direction stands inside: the brackets follow it where the text before them does.
        resolved[start] = resolved[end] = base if base in inside else before
    return resolved


def _bracket_pairs(text: str, types: list[str]) -> list[tuple[int, int]]:
    """Return the places of opening brackets and of those that close them, in the order of the opening ones (BD16)."""
    pairs: list[tuple[int, int]] = []
    waiting: list[tuple[str, int]] = []
    for at, character in enumerate(text):
        if types[at] != "ON":
            continue
        if character in _CLOSING:
            waiting.append((_CLOSING[character], at))
            continue
        match = next((depth for depth in reversed(range(len(waiting))) if waiting[depth][0] == character), None)
        if match is not None:
            pairs.append((waiting[match][1], at))
            del waiting[match:]
    return sorted(pairs)


def _neutral_types(types: list[str], base: str) -> list[str]:
    """N1, N2: neutrals between two of a kind go with them, others with the line."""
    resolved = list(types)
    at = 0
    while at < len(resolved):
        end = at
        while end < len(resolved) and resolved[end] in _NEUTRAL:
            end += 1
        if end > at:
            before = _STRONG[resolved[at - 1]] if at else base
            after = _STRONG[resolved[end]] if end < len(resolved) else base
            resolved[at:end] = [before if before == after else base] * (end - at)
        at = max(end, at + 1)
    return resolved


def reordered(embedding: Sequence[int]) -> list[Run]:
    """Return the runs of a line from left to right, by the levels of its characters in their paragraph (L2).

    The line is cut into runs of one level; then every stretch of runs is reversed, from the highest level down to 1.
    The spaces at the line's end must be gone (L1).
    """
    if not embedding:
        return []
    starts = [at for at in range(len(embedding)) if at == 0 or embedding[at] != embedding[at - 1]]
    ends = [*starts[1:], len(embedding)]
    runs = [
        (embedding[start], Run(start, end, bool(embedding[start] % 2))) for start, end in zip(starts, ends, strict=True)
    ]
    for level in range(max(embedding), 0, -1):
        runs = _reversed_from(runs, level)
    return [run for _, run in runs]


def _reversed_from(runs: list[tuple[int, Run]], level: int) -> list[tuple[int, Run]]:
    done: list[tuple[int, Run]] = []
    stretch: list[tuple[int, Run]] = []
    for run in runs:
        if run[0] >= level:
            stretch.append(run)
            continue
        done += [*reversed(stretch), run]
        stretch = []
    return [*done, *reversed(stretch)]
