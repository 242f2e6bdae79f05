"""Which images the signup page chooses from: the best public ones, few of each creator.

It holds scores, exclusions and the choice, over plain values. Keep out: reading generations, and the set (`signup`).

Documents were written by many versions of other programs, so nothing in them is taken to be of its type.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from orchestration.gallery.addresses import ends_at, unsigned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from random import Random

IMAGE_TYPES = ("text-to-image", "image-to-image", "image-generation", "image", "text-to-character")
# With fewer candidates than this, other types are looked at as well.
FEW = 5
HIGHEST_SCORE = 10.0

# Branding and edits of other images, as words of a type: `logo-generation`, `image-upscale`, `remove-bg`.
_UNSHOWN_TYPE = re.compile(
    r"(?:^|[^a-z])(?:logo|branding|sticker|product|mockup|ad(?![a-z])|edit|upscal|vectori|remov|resiz|replac|fill|eras"
    r"|expand|reimagin)",
    re.IGNORECASE,
)


class Generation(NamedTuple):
    """A public generation, as far as it matters here. `images` and `score` are as its document has them."""

    generation_id: str
    uid: str
    created_at: datetime
    images: object
    score: object = None


class Candidate(NamedTuple):
    """An image that may be shown. `score` is None when nobody judged it; `source_url` is where its original lies."""

    generation_id: str
    uid: str
    created_at: datetime
    score: float | None
    image_url: str
    source_url: str | None


def is_shown_type(generation_type: str | None) -> bool:
    """Whether a generation of this type may stand in for one of `IMAGE_TYPES`."""
    return not _UNSHOWN_TYPE.search(generation_type or "")


def candidate(generation: Generation, min_score: float, until: datetime) -> Candidate | None:
    """The generation's first image that has an address, and a score of `min_score` or more, or none at all.

    An address that stops working before `until` is none.
    """
    images = generation.images if isinstance(generation.images, list) else []
    for image in images:
        if not isinstance(image, dict) or (url := _shown_url(image, until)) is None:
            continue
        score = _score_of(image, generation.score)
        if score is None or score >= min_score:
            source = _web_url(image.get("url"))
            return Candidate(generation.generation_id, generation.uid, generation.created_at, score, url, source)
    return None


def choose(candidates: Iterable[Candidate], *, count: int, per_creator: int, random: Random) -> list[Candidate]:
    """The best `count` candidates, at most `per_creator` of one creator, in an order that `random` shuffles.

    Of several of one picture the best is taken, by any user, and however its address is signed.
    An image without a score is worth less than any with one; of equals the newest is better.
    """
    chosen: list[Candidate] = []
    taken: Counter[str] = Counter()
    pictures: set[str] = set()
    for one in sorted(candidates, key=_rank):
        if len(chosen) == count:
            break
        picture = unsigned(one.source_url or one.image_url)
        if taken[one.uid] < per_creator and picture not in pictures:
            taken[one.uid] += 1
            pictures.add(picture)
            chosen.append(one)
    random.shuffle(chosen)
    return chosen


def _rank(one: Candidate) -> tuple[float, float, str]:
    return -(one.score or 0.0), -one.created_at.timestamp(), one.generation_id


def _score_of(image: dict[str, Any], documents_score: object) -> float | None:
    aesthetic = image.get("aesthetic")
    judged = aesthetic.get("score") if isinstance(aesthetic, dict) else None
    return _first_score((image.get("aestheticScore"), judged, documents_score))


def _first_score(values: Sequence[object]) -> float | None:
    """The first value that is a score; 0 stands for none."""
    return next((float(value) for value in values if _is_score(value)), None)


def _is_score(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= HIGHEST_SCORE


def _shown_url(image: dict[str, Any], until: datetime) -> str | None:
    """The lightest form of the image that has an address which lasts."""
    addresses = (_web_url(image.get(name)) for name in ("avifUrl", "thumbnailUrl", "url"))
    return next((address for address in addresses if address and (ends_at(address) or until) >= until), None)


def _web_url(value: object) -> str | None:
    """The value when it is an address that a page may load an image from, and not a script or inline data."""
    return value if isinstance(value, str) and value.lower().startswith(("https://", "http://")) else None
