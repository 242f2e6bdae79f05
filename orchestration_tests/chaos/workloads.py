"""A small real piece of work for every domain: what is there before, and the runs that do it.

What is rendered is sketched, since the death of a rendering has tests of its own; everything else is real. Keep out:
faults, and what has to hold afterwards.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.media_gc.collector import MediaGarbageCollector
from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.cli.catalogue_sync import DOMAIN, MirrorProcess, SyncOptions, render_images, sync_catalogue
from orchestration.cli.job_runner import job_runner
from orchestration.demo.projects import Board
from orchestration.gallery import history
from orchestration.gallery.history import NewGeneration, Status, User, Visibility
from orchestration.mockups.mockups import Mockups
from orchestration.previews.film.film import described
from orchestration.previews.film.order import FilmReport
from orchestration.previews.previews import Previews
from orchestration.prints.prints import Prints
from orchestration_tests.catalogue.feed_folder import FeedFolder, drawn
from orchestration_tests.catalogue.sample_documents import family_document
from orchestration_tests.chaos.serving import SLOW
from orchestration_tests.mockups import drawing
from orchestration_tests.mockups.rendering import add_products
from orchestration_tests.mockups.rendering import order as order_mockup
from orchestration_tests.prints.printing import SKUS, order, take_in
from orchestration_tests.prints.solid import sketching

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestration.domains import Domains
    from orchestration.previews.film.order import FilmOrder
    from orchestration.settings import Settings
    from orchestration_tests.chaos.serving import Outside

SECRET = "whsec_dGhpcnR5LXR3byBieXRlcyBvZiBzZWNyZXQgd29yZHM="  # noqa: S105 - of the tests alone

Jobs = tuple[tuple[str, dict[str, Any]], ...]
UNTIL_EMPTY = {"idle_seconds": None}


class Workload(NamedTuple):
    """The work of one domain.

    `arrange` makes what is there before; it may run `jobs` itself. `jobs` are those whose runs do the work, in order,
    with the config of their asset; `checks` are those that look at what stands wrong. `substitute` puts in sketches
    for what is rendered. `command` is what is done before the jobs, as a command does it, with a second process of its
    own. `settings` are added to those of every world.
    """

    domains: tuple[str, ...]
    jobs: Jobs
    checks: tuple[str, ...]
    arrange: Callable[[Domains, Outside, Callable[[], None]], None]
    substitute: Callable[[Domains], None] = lambda _: None
    command: Callable[[Settings, Callable[[int], object]], object] | None = None
    settings: Callable[[Outside], Mapping[str, Any]] = lambda _: {}


def _arrange_catalogue(_domains: Domains, outside: Outside, run: Callable[[], None]) -> None:
    """A supplier who was synced once, and has changed, added, broken and removed families since."""
    feed = FeedFolder(outside.root / "feed", f"{outside.url}/feed")
    feed.put(*(family_document(f"A23-{number}", children=2, pictures=2) for number in range(3)))
    run()
    feed.put(
        family_document("A23-0", children=3, pictures=3, name="Rain jacket"),
        family_document("A23-3", children=2, pictures=2),
        family_document("A461-1", children=1, pictures=2),
    )
    feed.put_broken("A461-2", b'{"ANumber": ')
    feed.remove("A23-2")


def _arrange_sync(_domains: Domains, outside: Outside, run: Callable[[], None]) -> None:
    """A supplier whose documents and pictures come so slowly that images are mirrored beside the import."""
    feed = FeedFolder(outside.root / "sync-feed", f"{outside.url}{SLOW}/sync-feed")
    feed.put(*(family_document(f"A23-{number}", pictures=1) for number in range(4)))
    run()
    feed.put(
        *(family_document(f"A23-{number}", pictures=2) for number in range(2, 14)),
        family_document("A23-0", children=2, pictures=2, name="Rain jacket"),
    )
    feed.put_broken("A461-2", b'{"ANumber": ')
    feed.remove("A23-1")


def sync_in_two_processes(settings: Settings, note: Callable[[int], object]) -> None:
    """Sync as the command does; `note` gets the id of the second process."""
    with MirrorProcess(settings) as mirror, job_runner(settings, DOMAIN) as runner:
        note(mirror._pid)
        sync_catalogue(runner, SyncOptions(), mirror)
        render_images(runner)  # by the runner, which ends the killed runs that still hold their places in the pools


def _arrange_prints(domains: Domains, _outside: Outside, _run: Callable[[], None]) -> None:
    """Orders of which some are of the same product."""
    take_in(domains.prints, *(order(number, f"Name {number % 5}", SKUS[number % 3]) for number in range(8)))


def _arrange_mockups(domains: Domains, _outside: Outside, _run: Callable[[], None]) -> None:
    """Two jobs."""
    add_products(domains.mockups.database)
    for text in ("Anna", "Bruno"):
        order_mockup(domains.mockups, text)


def _arrange_gallery(domains: Domains, outside: Outside, run: Callable[[], None]) -> None:
    """Generations that were mirrored, with changes that were not: new, changed, hidden, deleted, a renamed user."""
    folder = outside.root / "gallery"
    folder.mkdir(exist_ok=True)
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(drawn(f"gallery {number}", (240, 160)))
    database = domains.gallery.database

    def generation(number: int, **changes: object) -> NewGeneration:
        url = f"{outside.url}/gallery/{number % 4 if number < 10 else number % 6}.jpg"
        document = {"prompt": f"fox {number}", "images": [{"id": f"i{number}", "url": url}], **changes}
        return NewGeneration(f"h{number}", f"u{number % 2}", document, Status.COMPLETED, is_public=True)

    def scored() -> None:
        with database.begin() as connection:
            connection.execute(sa.text("UPDATE generation_history SET aesthetic_score = 9"))

    with database.begin() as connection:
        history.create(connection, [generation(number) for number in range(8)])
    scored()
    run()
    with database.begin() as connection:
        history.create(connection, [generation(number) for number in range(8, 12)])
        history.update(connection, "h0", {"prompt": "another fox"})
        history.set_visibility(connection, ["h1", "h2"], Visibility.PRIVATE)
        history.save_users(connection, [User("u1", "ada", "Ada", "ada@example.org", "https://photos/ada.jpg")])
    scored()


def _arrange_canvas(domains: Domains, _outside: Outside, _run: Callable[[], None]) -> None:
    """Projects with unsaved operations, and media: in use, due for deletion, not yet marked, and one orphan."""
    canvas, now = domains.canvas, datetime.now(UTC)
    past = now - timedelta(days=4)
    with canvas.database.begin() as connection:
        create_projects(connection, [NewProject(f"p{number}", f"Board {number}", "ada") for number in range(4)])
        for number in range(4):
            work = Board(Random(number), ["used-0", "used-1"], 20).operations(25)
            append(connection, f"p{number}", [NewOperation(one, "ada") for one in work], at=now - timedelta(days=2))

    def add(name: str) -> None:
        with canvas.database.begin() as connection:
            upload = Upload(name, name.encode() * 40, "bin")
            store_media(connection, canvas.services.objects, upload, now - timedelta(days=60))

    for name in [f"used-{number}" for number in range(20)] + [f"due-{number}" for number in range(4)]:
        add(name)
    with canvas.database.begin() as connection:
        for number in range(20):
            connection.execute(_SHOW, {"id": f"place-{number}", "meta": {"mediaId": f"used-{number}"}})
    asyncio.run(canvas.services.objects.put_once("canvas/media/ab/orphan.bin", b"orphan"))
    MediaGarbageCollector(canvas.services, clock=lambda: past).collect()
    add("fresh")


_SHOW = sa.text("""
    INSERT INTO canvas_element (project_id, element_id, type, meta) VALUES ('p0', :id, 'image', :meta)
""").bindparams(sa.bindparam("meta", type_=sa.JSON))


def _arrange_previews(domains: Domains, outside: Outside, _run: Callable[[], None]) -> None:
    """Three jobs that call back, and one whose payload nobody can use."""
    steps = [{"title": "One", "text": "Hello.", "durationMs": 500}]
    inside = [{"id": "a", "type": "image", "url": "http://10.0.0.1/a.png"}]
    for number in range(4):
        wanted = {
            "title": f"Film {number}", "steps": steps, "assets": inside if number == 3 else [], "audio": {},
            "callbackUrl": f"{outside.url}/hook",
        }  # fmt: skip
        job = {"jobId": f"film-{number}", "projectId": "chaos", "requestId": f"r{number}", "dryRun": False}
        domains.previews.submit({**job, "priority": "normal", "previewRequest": wanted})


def sketch_film(order: FilmOrder) -> FilmReport:
    """In place of a film: a small file that follows from the order."""
    path = order.folder / "preview.mp4"
    path.write_bytes(f"film of {order.job.preview_request.title}".encode())
    return FilmReport((described("video", path, "video/mp4", {}),), 1.0, 24, {}, (), ())


def _sketch(name: str, make: Callable[[Domains], object], domains: Domains) -> None:
    vars(domains)[name] = make(domains)


_NOTIFY = ("prints_notify", UNTIL_EMPTY)

WORKLOADS: dict[str, Workload] = {
    "catalogue": Workload(
        ("catalogue",),
        (
            ("catalogue_sync", {}),
            ("catalogue_import", UNTIL_EMPTY),
            ("catalogue_mirror", UNTIL_EMPTY),
            ("catalogue_render", UNTIL_EMPTY),
        ),
        ("catalogue_check",),
        _arrange_catalogue,
    ),
    "sync": Workload(
        ("catalogue",),
        (),
        ("catalogue_check",),
        _arrange_sync,
        command=sync_in_two_processes,
        settings=lambda outside: {"promidata_base_url": f"{outside.url}/sync-feed"},
    ),
    "prints": Workload(
        ("prints",),
        (("prints_render", UNTIL_EMPTY), _NOTIFY),
        ("prints_check",),
        _arrange_prints,
        partial(_sketch, "prints", lambda domains: Prints(domains.services, sketching.sketch)),
    ),
    "mockups": Workload(
        ("mockups",),
        (("mockups_render", UNTIL_EMPTY),),
        ("mockups_check",),
        _arrange_mockups,
        partial(_sketch, "mockups", lambda domains: Mockups(domains.services, drawing.sketch)),
    ),
    "gallery": Workload(
        ("gallery",),
        (
            ("gallery_mirror", UNTIL_EMPTY),
            ("gallery_render", UNTIL_EMPTY),
            ("gallery_mirror", UNTIL_EMPTY),
            ("gallery_signup", {}),
        ),
        ("gallery_check",),
        _arrange_gallery,
    ),
    "canvas": Workload(
        ("canvas",),
        (("canvas_snapshot", {}), ("canvas_collect", {})),
        ("canvas_check", "canvas_media_check"),
        _arrange_canvas,
    ),
    "previews": Workload(
        ("prints", "previews"),
        (("previews_render", UNTIL_EMPTY), _NOTIFY),
        ("previews_check",),
        _arrange_previews,
        partial(_sketch, "previews", lambda domains: Previews(domains.services, sketch_film)),
    ),
}
"""The work of every domain, by its name."""
