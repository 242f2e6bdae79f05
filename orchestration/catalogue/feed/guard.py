"""When families and variants may be removed because the feed no longer lists them.

It holds the rule and its reasons. Keep out: finding what is removed (`plan`), what a removal does (`removal`).

A feed that was cut short looks like one that dropped half of its families. The rule holds back what is more likely a
broken feed than a decision; additions and changes are none of its business. A file that shows that it is damaged is no
evidence of any absence, and no flag makes it one: the next whole file decides.

The same holds for the variants of a family, whose document may list only some of them for a day. A colour that is given
up takes all its sizes along, so that only more than half of the variants are suspicious, or a document that the feed
itself marks as faulty.
"""

from __future__ import annotations

from typing import NamedTuple

OVERRIDE = "--allow-mass-removal"
_VARIANT_SHARE = 0.5


class RemovalVerdict(NamedTuple):
    """Whether removals may happen, and why not; the reason is blank when nothing speaks against them."""

    allowed: bool
    reason: str = ""


def judge_removals(
    active: int, removed: int, listed: int, *, allow: bool, share: float = 0.2, minimum: int = 5, damage: str = "",
    lost_tail: bool = False,
) -> RemovalVerdict:  # fmt: skip
    """Judge the removal of `removed` out of a supplier's `active` families while the feed lists `listed`.

    Removals are held back if they exceed both `minimum` families and `share` (0 to 1) of the active ones. They are
    also held back if the feed lists no family at all: the supplier vanished, or the feed is empty. `allow` overrides,
    and the reason says so. `damage` says why the reading is not whole: then nothing is removed, whatever is allowed.
    `lost_tail` says that the families missing are the last ones of the file before, for the first time: it may be cut.
    """
    if damage and removed:
        return RemovalVerdict(
            allowed=False, reason=f"Import.txt is damaged, {damage}; held back until a whole file is read"
        )
    alarm = _alarm(active, removed, listed, share, minimum)
    if lost_tail and removed and not alarm:
        alarm = f"the last {removed} families of the file are gone and nothing else is new, as if it were cut"
    if not alarm:
        return RemovalVerdict(allowed=True)
    if allow:
        return RemovalVerdict(allowed=True, reason=f"{alarm}; removed all the same, because of {OVERRIDE}")
    return RemovalVerdict(allowed=False, reason=f"{alarm}; held back, use {OVERRIDE} if that is meant")


def judge_variants(active: int, removed: int, *, allow: bool, damage: str = "") -> RemovalVerdict:
    """Judge the removal of `removed` out of a family's `active` variants.

    They are held back if they are several, and more than half. They are also held back if `damage` says why the
    document's list may be incomplete. `allow` overrides.
    """
    alarm = ""
    if removed and damage:
        alarm = f"{removed} of {active} variants are missing from a document whose list may be incomplete: {damage}"
    elif removed > 1 and removed > _VARIANT_SHARE * active:
        alarm = f"{removed} of {active} variants are gone from the document, more than {_VARIANT_SHARE:.0%}"
    if not alarm or allow:
        return RemovalVerdict(allowed=True, reason=alarm and f"{alarm}; removed all the same, because of {OVERRIDE}")
    return RemovalVerdict(allowed=False, reason=f"{alarm}; held back, use {OVERRIDE} if that is meant")


def _alarm(active: int, removed: int, listed: int, share: float, minimum: int) -> str:
    if not removed:
        return ""
    if not listed:
        return f"the feed lists none of the supplier's {active} families any more"
    if removed > minimum and removed > share * active:
        percent = 100 * removed / active if active else 100
        return f"{removed} of {active} families ({percent:.0f} %) are gone from the feed, more than {share:.0%}"
    return ""
