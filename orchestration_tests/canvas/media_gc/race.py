"""Writers that refer to media and stop doing so, and uploads, while a collection runs every simulated day.

The actors, and what each of them notes of what it saw. Keep out: expectations, but for the ones that
only an actor can check at its moment. The benchmark soaks the same race for longer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.errors import TransientError
from orchestration.storage.objects import ObjectStore
from orchestration_tests.canvas.media_gc.worlds import RealWorld, body_of, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

CONTENTS = 150
PLACES_HELD = 25
# Between two uploads of one uploader.
PAUSE_SECONDS = 0.01
LATENCY_SECONDS = 0.003


class ChangedMindError(Exception):
    """A writer rolls back."""


class SlowObjects(ObjectStore):
    """An object store that answers late, so that others come in between."""

    async def put_once(self, key: str, body: bytes, *, mime: str | None = None) -> bool:
        created = await super().put_once(key, body, mime=mime)
        await asyncio.sleep(LATENCY_SECONDS)
        return created

    def delete(self, key: str) -> bool:
        time.sleep(LATENCY_SECONDS)
        return super().delete(key)


class Race:
    """What the actors share: the world, and what went wrong. It makes the world's object store a slow one."""

    def __init__(self, world: RealWorld, seed: int) -> None:
        self.world = world
        self.seed = seed
        world.services.objects = SlowObjects(world.services.objects.url)
        self.wrong: list[str] = []
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.created_bytes = 0
        self.last_touched: dict[str, datetime] = {}
        self.contents: dict[str, str] = {}
        self.by_path = {key_of(name): name for name in (f"content-{number}" for number in range(CONTENTS))}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._gate = threading.Condition()
        self._busy = 0
        self._is_open = True

    def touched(self, *names: str) -> None:
        """Note that somebody had to do with a medium, or with all rows of an object, until now."""
        self.last_touched |= dict.fromkeys(names, self.world.clock())

    def count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self.counts[what] += by

    @contextmanager
    def action(self) -> Iterator[None]:
        """One step of an actor; none begins while the world is held still."""
        with self._gate:
            self._gate.wait_for(lambda: self._is_open)
            self._busy += 1
        try:
            yield
        finally:
            with self._gate:
                self._busy -= 1
                self._gate.notify_all()

    @contextmanager
    def stillness(self) -> Iterator[None]:
        """Nobody does anything while the block runs."""
        with self._gate:
            self._is_open = False
            self._gate.wait_for(lambda: not self._busy)
        try:
            yield
        finally:
            with self._gate:
                self._is_open = True
                self._gate.notify_all()

    @contextmanager
    def actors(self, writers: int, uploaders: int) -> Iterator[None]:
        """So many of each, in threads, as long as the block runs."""
        made: list[Writer | Uploader] = [Writer(self, number) for number in range(writers)]
        made += [Uploader(self, number) for number in range(uploaders)]
        threads = [threading.Thread(target=self._live, args=(actor,), daemon=True) for actor in made]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)

    def _live(self, actor: Writer | Uploader) -> None:
        try:
            while not self._stop.is_set():
                with self.action():
                    actor.act()
        except Exception as error:  # noqa: BLE001 - a thread's end must not go unseen
            self.wrong.append(f"an actor died: {error!r}")

    def expect_medium(self, media_id: str, who: str) -> None:
        """Note when a medium that somebody holds a reference to is gone, or its object."""
        rows = self.world.execute("SELECT storage_path FROM canvas_media WHERE media_id = :id", id=media_id)
        if not rows:
            self.wrong.append(f"{who} refers to {media_id}, whose row is gone")
        elif self.world.services.objects.size(rows[0].storage_path) is None:
            self.wrong.append(f"{who} refers to {media_id}, whose object is gone")


class Writer:
    """Refers to media from elements, snapshots and generations, and takes that back."""

    def __init__(self, race: Race, number: int) -> None:
        self._race = race
        self._name = f"w{number}"
        self._random = Random(f"{race.seed}-{number}")
        self._held: dict[str, tuple[str, str, str]] = {}
        self._made = 0

    def act(self) -> None:
        if len(self._held) > PLACES_HELD or (self._held and self._random.random() < 0.5):
            self._drop()
        else:
            self._add()

    def _add(self) -> None:
        media = self._race.world.execute(self._random.choice((_ANY, _DOOMED)))
        if not media:
            return
        media_id, path = self._random.choice(media)
        self._made += 1
        place, source = f"{self._name}-{self._made}", self._random.choice(list(_ADD))
        value = self._random.choice((media_id, media_id, path, f"https://host/objects/{path}?signature=1"))
        try:
            with self._race.world.services.database.begin() as connection:
                connection.execute(_ADD[source], {"place": place, "value": value, "media_id": media_id})
                time.sleep(self._random.random() * LATENCY_SECONDS)
                if self._random.random() < 0.1:
                    raise ChangedMindError  # noqa: TRY301 - as an application does
                # What the reference's trigger locked stays; what it did not find was deleted before.
                known = sa.text("SELECT 1 FROM canvas_media WHERE media_id = :id")
                if connection.execute(known, {"id": media_id}).scalar() is None:
                    raise ChangedMindError  # noqa: TRY301
        except ChangedMindError:
            self._race.touched(media_id, path)
        except sa.exc.IntegrityError as error:
            if f"The medium {media_id} was deleted" not in str(error):
                raise
            self._race.count("refused")
        else:
            self._held[place] = (source, media_id, path)
            self._race.count("added")
            self._race.expect_medium(media_id, place)

    def _drop(self) -> None:
        place = self._random.choice(list(self._held))
        source, media_id, path = self._held.pop(place)
        self._race.expect_medium(media_id, place)
        self._race.world.execute(_DROP[source], place=place)
        self._race.touched(media_id, path)
        self._race.count("dropped")


class Uploader:
    """Stores media of a few contents over and over, under new ids and old ones; sometimes dies in between."""

    def __init__(self, race: Race, number: int) -> None:
        self._race = race
        self._name = f"u{number}"
        self._random = Random(f"{race.seed}-uploads-{number}")
        self._made = 0

    def act(self) -> None:
        world = self._race.world
        time.sleep(PAUSE_SECONDS)
        self._made += 1
        number = self._random.randrange(self._made) if self._random.random() < 0.2 else self._made
        content = self._content(number)
        media_id = f"{self._name}-{number}"
        upload = Upload(media_id, body_of(content), "bin", url=f"https://canvas/{media_id}")
        try:
            with world.services.database.begin() as connection:
                stored = store_media(connection, world.services.objects, upload, world.clock())
                if stored.is_new_object:
                    self._race.count("bytes created", len(upload.body))
                if self._random.random() < 0.1:
                    raise ChangedMindError  # noqa: TRY301 - the row is lost, the object is not
        except ChangedMindError:
            self._race.touched(media_id)
            self._race.count("uploads lost")
        except TransientError:
            self._race.count("uploads failed")
        else:
            self._race.touched(media_id)
            self._race.count("uploaded")

    def _content(self, number: int) -> str:
        """What an id stands for does not change; a new one is often what is just about to be deleted."""
        known = self._race.contents.get(f"{self._name}-{number}")
        if known is None:
            doomed = self._race.world.execute(_DOOMED)
            paths = [path for _, path in doomed if path in self._race.by_path]
            at_random = f"content-{self._random.randrange(CONTENTS)}"
            known = self._race.by_path[self._random.choice(paths)] if paths else at_random
            known = self._race.contents[f"{self._name}-{number}"] = self._random.choice((known, at_random))
        return known


_ANY = "SELECT media_id, storage_path FROM canvas_media ORDER BY random() LIMIT 1"
_DOOMED = """
    (SELECT media_id, storage_path FROM canvas_media JOIN media_gc_mark USING (media_id) ORDER BY delete_after LIMIT 20)
    UNION ALL
    (SELECT media_id, storage_path FROM media_tombstone WHERE media_id IS NOT NULL ORDER BY id DESC LIMIT 5)
"""

_DOCUMENT = "jsonb_build_object('images', jsonb_build_array(jsonb_build_object('url', CAST(:value AS text))))"
_ADD: dict[str, sa.TextClause] = {
    "elements": sa.text("""
        INSERT INTO canvas_element (project_id, element_id, type, meta)
        VALUES ('p', :place, 'image',
            jsonb_build_object('mediaId', CAST(:media_id AS text), 'url', CAST(:value AS text)))
    """),
    "snapshots": sa.text("""
        INSERT INTO canvas_snapshot (project_id, op_index, version, checksum, element_count, elements, media_refs, name)
        VALUES ('p', 0, 1, '', 1, '', ARRAY[:value], :place)
    """),
    "generations": sa.text(
        f"INSERT INTO generation_history (history_id, uid, document) VALUES (:place, 'u', {_DOCUMENT})"  # noqa: S608
    ),
    "public": sa.text(f"""
        INSERT INTO public_generation
            (history_id, uid, nsfw, document, source_revision, content_hash, created_at, updated_at)
        VALUES (:place, 'u', false, {_DOCUMENT}, 1, '', now(), now())
    """),  # noqa: S608
}
_DROP = {
    "elements": "DELETE FROM canvas_element WHERE element_id = :place",
    "snapshots": "DELETE FROM canvas_snapshot WHERE name = :place",
    "generations": "DELETE FROM generation_history WHERE history_id = :place",
    "public": "DELETE FROM public_generation WHERE history_id = :place",
}


def overdue(race: Race, ttl: timedelta, grace: timedelta, interval: timedelta) -> list[str]:
    """Media without a reference that should be gone by now; needs stillness, and a collection just before."""
    now = race.world.clock()
    late = []
    for media_id, path, written_at in unreferenced(race.world):
        touched = [race.last_touched[name] for name in (media_id, path) if name in race.last_touched]
        # A collection finds it without references, and one more deletes it.
        free_since = max([written_at, *touched]) + ttl
        if free_since + grace + 2 * interval < now:
            late.append(f"{media_id} was free since {free_since}, and is still there at {now}")
    return late


def unreferenced(world: RealWorld) -> list[tuple[str, str, datetime]]:
    """The media that no place refers to, found the slow and plain way: id, object key, and when it was written."""
    values = " ".join(str(row[0]) for row in world.execute(_EVERYTHING))
    media: list[Any] = world.execute("SELECT media_id, storage_path, updated_at FROM canvas_media")
    return [tuple(row) for row in media if f'"{row[0]}"' not in values and row[1] not in values]


_EVERYTHING = """
    SELECT CAST(meta AS text) FROM canvas_element
    UNION ALL SELECT CAST(to_json(media_refs) AS text) FROM canvas_snapshot
    UNION ALL SELECT CAST(document AS text) FROM generation_history WHERE NOT is_deleted
    UNION ALL SELECT CAST(document AS text) FROM public_generation
"""
