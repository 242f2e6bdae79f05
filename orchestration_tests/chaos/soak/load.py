"""The load of a soak: what customers, suppliers and users do, so many times a minute.

It writes through the product's own doors, and remembers what it was promised. Keep out: draining, and judging.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.canvas.model import Operation, OperationType, clean
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.demo.projects import Board
from orchestration.errors import OrchestrationError, QueueFullError, TransientError
from orchestration.gallery import history
from orchestration.gallery.history import NewGeneration, Status, Visibility
from orchestration.mockups.mockup_request import RenderMode
from orchestration_tests.catalogue.feed_folder import FeedFolder, drawn
from orchestration_tests.catalogue.sample_documents import family_document
from orchestration_tests.mockups.rendering import add_products
from orchestration_tests.mockups.rendering import order as order_mockup
from orchestration_tests.prints.printing import SKUS, order, take_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.domains import Domains
    from orchestration_tests.chaos.serving import Outside

FAMILIES, PICTURES, PROJECTS = 20, 24, 5
# Media that the projects show; of all others, those that are old are collected.
KEPT = [f"kept-{number}" for number in range(12)]
# How many seconds lie between two of each.
EVERY = {"orders": 2.0, "generations": 1.0, "feed": 15.0, "mockups": 30.0, "previews": 12.0, "canvas": 3.0}
PATIENCE_SECONDS = 60.0


def _shown(medium: str) -> Operation:
    """The operation that puts a medium on a board, where it stays."""
    place = {"x": 0, "y": 0, "zIndex": 0, "width": 100, "height": 100}
    meta = {"mediaId": medium, "storagePath": f"canvas/{medium}.png"}
    return clean(Operation(OperationType.CREATE, medium, data={"element": place | {"type": "image", "meta": meta}}))


class Load:
    """What is done to the factory; `done` counts it, by kind."""

    def __init__(self, domains: Domains, outside: Outside, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._domains, self._outside, self._random = domains, outside, Random(seed)
        self.feed = FeedFolder(outside.root / "feed", f"{outside.url}/feed")
        self.names: dict[str, str] = {}
        self._boards: dict[str, Board] = {}
        self._due = {kind: time.monotonic() + self._random.uniform(0, 2) for kind in EVERY}
        self._acts: dict[str, Callable[[], int]] = {
            "orders": self._order, "generations": self._generate, "feed": self._publish, "mockups": self._mock_up,
            "previews": self._preview, "canvas": self._draw,
        }  # fmt: skip

    def prepare(self) -> None:
        """What is there before the first customer."""
        folder = self._outside.root / "gallery"
        folder.mkdir()
        for number in range(PICTURES):
            (folder / f"{number}.jpg").write_bytes(drawn(f"gallery {number}", (240, 160)))
        for number in range(FAMILIES):
            self._put_family(number)
        add_products(self._domains.mockups.database)
        for name in KEPT:
            self._upload(name, days_old=60)
        with self._domains.canvas.database.begin() as connection:
            for number in range(PROJECTS):
                name = f"p{number}"
                create_projects(connection, [NewProject(name, f"Board {number}", "ada")])
                self._boards[name] = Board(Random(number), KEPT, 40)
            create_projects(connection, [NewProject("album", "Album", "ada")])
            append(connection, "album", [NewOperation(_shown(name), "ada", name) for name in KEPT])

    def act(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        for kind, due in self._due.items():
            if now >= due:
                self._due[kind] = max(due + EVERY[kind], now)
                self.done[kind] += self._acts[kind]()

    def _insist(self, write: Callable[[sa.Connection], object]) -> None:
        """Write in a transaction, again when the database was away: whatever is written here can be written twice."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self._domains.canvas.database.begin() as connection:
                    write(connection)
            except TransientError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return

    def _order(self) -> int:
        number = self.done["orders"]
        rows = [order(n, f"Name {self._random.randrange(300)}", SKUS[n % 3]) for n in range(number, number + 3)]
        end = time.monotonic() + PATIENCE_SECONDS
        while True:  # importing the same rows again changes nothing
            try:
                take_in(self._domains.prints, *rows)
            except TransientError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return len(rows)

    def _generate(self) -> int:
        number = self.done["generations"]
        url = f"{self._outside.url}/gallery/{number % PICTURES}.jpg"
        document = {"prompt": f"fox {number}", "images": [{"id": f"i{number}", "url": url}]}
        new = NewGeneration(f"h{number}", f"u{number % 7}", document, Status.COMPLETED, is_public=True)
        older = f"h{self._random.randrange(number + 1)}"

        def write(connection: sa.Connection) -> None:
            known = sa.text("SELECT FROM generation_history WHERE history_id = :id")
            if not connection.execute(known, {"id": new.history_id}).all():
                history.create(connection, [new])
            connection.execute(
                sa.text("UPDATE generation_history SET aesthetic_score = 9 WHERE history_id = :id"),
                {"id": new.history_id},
            )
            history.update(connection, older, {"prompt": f"changed at {number}"})
            if number % 5 == 0:
                history.set_visibility(connection, [older], Visibility.PRIVATE)

        self._insist(write)
        return 1

    def _publish(self) -> int:
        for _ in range(2):
            self._put_family(self._random.randrange(FAMILIES))
        return 2

    def _put_family(self, number: int) -> None:
        sku = f"A{23 + number % 2}-{number}"
        self.names[sku] = f"Jacket {number} of {self.done['feed']}"
        self.feed.put(
            family_document(sku, children=2, pictures=2, name=self.names[sku], price=20.0 + self.done["feed"] % 50)
        )

    def _mock_up(self) -> int:
        try:
            order_mockup(self._domains.mockups, f"Text {self.done['mockups']}", mode=RenderMode.IMAGES_ONLY)
        except TransientError:
            return 0
        return 1

    def _preview(self) -> int:
        number = self.done["previews"]
        wanted = {
            "title": f"Film {number}", "steps": [{"title": "One", "text": "Hello.", "durationMs": 500}], "assets": [],
            "audio": {}, "options": {"resolution": "160x90", "format": "png"},
            "callbackUrl": f"{self._outside.url}/hook",
        }  # fmt: skip
        job = {"jobId": f"film-{number}", "projectId": "soak", "requestId": f"r{number}", "dryRun": False}
        try:
            self._domains.previews.submit({**job, "priority": "normal", "previewRequest": wanted})
        except (TransientError, QueueFullError):
            return 0
        return 1

    def _draw(self) -> int:
        number = self.done["canvas"]
        project = f"p{number % PROJECTS}"
        work = [NewOperation(one, "ada", f"{number}-{n}") for n, one in enumerate(self._boards[project].operations(5))]
        self._insist(lambda connection: append(connection, project, work))
        try:
            self._upload(f"medium-{number}", days_old=self._random.choice((0, 60)))
        except OrchestrationError:
            self.done["refused uploads"] += 1
        return 1

    def _upload(self, name: str, *, days_old: int) -> None:
        at = datetime.now(UTC) - timedelta(days=days_old)
        with self._domains.canvas.database.begin() as connection:
            store_media(connection, self._domains.services.objects, Upload(name, name.encode() * 50, "bin"), at)
