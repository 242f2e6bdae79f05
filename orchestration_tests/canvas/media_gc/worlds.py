"""One world for the scripted store, one for the real things: the same few verbs, so that one contract holds for both.

Adding media and references, turning the clock, collecting. Keep out: expectations.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from orchestration.canvas.media_gc.collector import CollectOptions, MediaGarbageCollector, rules_of
from orchestration.canvas.media_gc.engine import execute
from orchestration.canvas.media_gc.model import FOLDER, Collection
from orchestration.canvas.media_gc.plan import make_plan
from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.gallery.references import media_references
from orchestration.settings import Settings
from orchestration_tests.canvas.media_gc.scripted import Clock, Row, ScriptedStore

if TYPE_CHECKING:
    from orchestration.services import Services


class World(Protocol):
    """Media, what refers to them, and a clock."""

    clock: Clock

    def add(self, media_id: str, content: str | None = None, *, days_old: float = 60) -> str:
        """Store a medium that was uploaded so long ago; its object key. Equal content is one object."""

    def refer(self, place: str, value: str) -> None:
        """Let a place refer to a medium, by its id or its object key, around every trigger."""

    def drop(self, place: str) -> None:
        """Take the reference away."""

    def set_count(self, media_id: str, count: int) -> None:
        """Store a count, whatever is true."""

    def put_object(self, key: str, size: int) -> None:
        """Put an object that has no row."""

    def lose_object(self, key: str) -> None:
        """Take an object away behind everyone's back."""

    def collect(self, **options: Any) -> Collection:  # noqa: ANN401 - the options of a collection
        """Collect once."""

    def undo(self, run_id: int) -> None:
        """Undo a collection."""

    def media(self) -> set[str]:
        """The ids of the media that are there."""

    def counts(self) -> dict[str, int]:
        """The stored counts."""

    def objects(self) -> dict[str, int]:
        """The objects and their sizes."""


def body_of(content: str) -> bytes:
    """Some bytes; of another length for another content."""
    return content.encode() * (1 + len(content))


def key_of(content: str) -> str:
    """The key of the object that holds it."""
    digest = hashlib.sha256(body_of(content)).hexdigest()
    return f"{FOLDER}/{digest[:2]}/{digest}.bin"


class ScriptedWorld:
    """The world over a `ScriptedStore`."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.clock = Clock()
        self.store = ScriptedStore()
        self.settings = settings or Settings()
        self._marked: dict[int, list[str]] = {}

    def add(self, media_id: str, content: str | None = None, *, days_old: float = 60) -> str:
        body, key = body_of(content or media_id), key_of(content or media_id)
        self.store.rows[media_id] = Row(key, len(body), self.clock() - timedelta(days=days_old))
        self.store.objects[key] = len(body)
        return key

    def refer(self, place: str, value: str) -> None:
        self.store.references[place] = value

    def drop(self, place: str) -> None:
        del self.store.references[place]

    def set_count(self, media_id: str, count: int) -> None:
        self.store.rows[media_id] = self.store.rows[media_id]._replace(places=count)

    def put_object(self, key: str, size: int) -> None:
        self.store.objects[key] = size

    def lose_object(self, key: str) -> None:
        del self.store.objects[key]

    def collect(self, **options: Any) -> Collection:  # noqa: ANN401 - the options of a collection
        chosen = CollectOptions(**options)
        rules, now = rules_of(self.settings, chosen), self.clock()
        survey = self.store.survey(now, rules.ttl, rules.limits.items)
        plan = make_plan(survey, rules, now)
        result = None if chosen.dry_run else execute(self.store, plan, rules, self.clock)
        run_id = len(self._marked) + 1
        self._marked[run_id] = list(result.marked) if result else []
        if result and not plan.refused:
            self.store.former_places = dict(survey.census.places)
        return Collection(run_id, chosen.dry_run, now, self.clock(), rules, survey, plan, result)

    def undo(self, run_id: int) -> None:
        for media_id in self._marked[run_id]:
            if media_id in self.store.marks:
                self.store.marks[media_id] = self.store.marks[media_id]._replace(undone_at=self.clock())

    def media(self) -> set[str]:
        return set(self.store.rows)

    def counts(self) -> dict[str, int]:
        return {media_id: row.places for media_id, row in self.store.rows.items()}

    def objects(self) -> dict[str, int]:
        return dict(self.store.objects)


class RealWorld:
    """The world over PostgreSQL and an object store."""

    def __init__(self, services: Services) -> None:
        self.clock = Clock()
        self.services = services
        self.collector = MediaGarbageCollector(services, media_references(services.settings), self.clock)
        self.execute("INSERT INTO canvas_project (project_id, name, owner_uid) VALUES ('p', 'Board', 'ada')")

    def execute(self, statement: str, **values: object) -> list[Any]:
        """Run a statement in a transaction of its own; its rows, if it has any."""
        with self.services.database.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return list(result) if result.returns_rows else []

    def add(self, media_id: str, content: str | None = None, *, days_old: float = 60) -> str:
        with self.services.database.begin() as connection:
            upload = Upload(media_id, body_of(content or media_id), "bin")
            at = self.clock() - timedelta(days=days_old)
            return store_media(connection, self.services.objects, upload, at).storage_path

    def refer(self, place: str, value: str) -> None:
        with self.services.database.begin() as connection:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            connection.execute(INSERT_ELEMENT, {"id": place, "meta": {"url": value}})

    def show(self, place: str, media_id: str) -> None:
        """Let an element refer to a medium, as any writer does."""
        with self.services.database.begin() as connection:
            connection.execute(INSERT_ELEMENT, {"id": place, "meta": {"mediaId": media_id}})

    def drop(self, place: str) -> None:
        self.execute("DELETE FROM canvas_element WHERE element_id = :id", id=place)

    def set_count(self, media_id: str, count: int) -> None:
        self.execute("UPDATE canvas_media SET referenced_by_count = :n WHERE media_id = :id", n=count, id=media_id)

    def put_object(self, key: str, size: int) -> None:
        import obstore

        obstore.put(self.services.objects.backend, key, bytes(size))

    def lose_object(self, key: str) -> None:
        assert self.services.objects.delete(key)

    def collect(self, **options: Any) -> Collection:  # noqa: ANN401 - the options of a collection
        return self.collector.collect(CollectOptions(**options))

    def undo(self, run_id: int) -> None:
        self.collector.undo(run_id)

    def media(self) -> set[str]:
        return {row.media_id for row in self.execute("SELECT media_id FROM canvas_media")}

    def marked(self) -> set[str]:
        """The media whose marks stand."""
        return {row.media_id for row in self.execute("SELECT media_id FROM media_gc_mark WHERE undone_at IS NULL")}

    def counts(self) -> dict[str, int]:
        rows = self.execute("SELECT media_id, referenced_by_count AS count FROM canvas_media")
        return {row.media_id: row[1] for row in rows}

    def objects(self) -> dict[str, int]:
        return self.services.objects.sizes(FOLDER)


INSERT_ELEMENT = sa.text("""
    INSERT INTO canvas_element (project_id, element_id, type, meta) VALUES ('p', :id, 'image', :meta)
""").bindparams(sa.bindparam("meta", type_=sa.JSON))
