"""The gallery's mirror against one claim at a time, and against the rhythm of the system before this one.

What a mirrored item costs, how soon a private one is gone, what a killed drain costs the others. Keep out: what the
queue itself costs (`work_queue`). Every item has real content: a prompt, four pictures, a creator. `main` takes a
scale: 1 is the full size.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.history import NewGeneration, Status, User, Visibility
from orchestration.gallery.mirror import MirrorHandler
from orchestration.gallery.reconcile import find_drift
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.database import Database
from orchestration.storage.embedded import start_embedded_server
from orchestration.storage.migrate import migrate
from orchestration_tests.benchmarks.timing import Race, Timing, command, report_race, timed
from orchestration_tests.gallery.killing import draining
from orchestration_tests.gallery.mirroring import claim, held

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration_tests.benchmarks.options import Options

USERS = 500
ROUNDS = 3
POLL_SECONDS = 2.5
FULL = 50_000
SAMPLES = 300
RACED, FEW = 20_000, 600

# Each write of the mirror, as it was committed.
JOURNAL = """
CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY, history_id text, revision bigint);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (history_id, revision) VALUES (NEW.history_id, NEW.source_revision);
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON public_generation FOR EACH ROW EXECUTE FUNCTION note()
"""


def item(number: int) -> NewGeneration:
    """A generation of four pictures, as a history holds it: some 2 kB of JSON."""
    dice = random.Random(number)
    words = ("fox", "lantern", "harbour", "ink", "velvet", "storm", "copper", "moss", "glass", "orchard")
    folder = f"https://pictures.example/users/u{number % USERS}/{number}"
    images = [
        {
            "id": f"{number}-{n}",
            "url": f"{folder}/{n}.png",
            "storagePath": f"users/u{number % USERS}/{number}/{n}.png",
            "originalUrl": f"https://provider.example/outputs/{dice.getrandbits(128):032x}.png",
            "aestheticScore": round(dice.uniform(4, 9.5), 3),
            "aesthetic": {"score": round(dice.uniform(4, 9.5), 3), "raw_output": None},
            "width": 1024,
            "height": 1024,
            "size": dice.randrange(10**6),
        }
        for n in range(4)
    ]
    document = {
        "prompt": " ".join(dice.choices(words, k=40)), "userPrompt": " ".join(dice.choices(words, k=20)),
        "model": "flux-1", "tags": dice.choices(words, k=4), "style": "ink", "frameSize": "1:1", "images": images,
        "createdBy": {"uid": f"u{number % USERS}", "email": "someone@example.org"}, "lyrics": None,
    }  # fmt: skip
    return NewGeneration(
        f"h{number:07d}", f"u{number % USERS}", document, Status.COMPLETED, is_public=True,
        generation_type="text-to-image", aesthetic_score=9.0,
    )  # fmt: skip


class Bench:
    """A database of its own. `settings` are the defaults, but for the places."""

    def __init__(self, directory: Path) -> None:
        url = start_embedded_server(directory / "postgres")
        self.url = url
        self.settings = Settings(home=directory / "home", database_url=url, log_level="ERROR")
        _migrate(url)
        self.gallery = Gallery(Services(self.settings))
        self.database = self.gallery.database
        self._server = psutil.Process(int((directory / "postgres" / "postmaster.pid").read_text().split()[0]))

    def execute(self, statement: str) -> Any:  # noqa: ANN401 - whatever was asked for
        """Run a statement; the first value of its answer, if it has one."""
        with self.database.connect() as connection:
            result = connection.execute(sa.text(statement))
            return result.scalar() if result.returns_rows else None

    def fill(self, count: int) -> None:
        """Begin again with so many public items and a task for each."""
        self.execute("TRUNCATE generation_history, public_generation, gallery_takedown, app_user, task CASCADE")
        with self.database.begin() as connection:
            history.save_users(
                connection, [User(f"u{n}", f"user{n}", f"User {n}", photo_url="p") for n in range(USERS)]
            )
        for start in range(0, count, 5_000):
            with self.database.begin() as connection:
                history.create(connection, [item(n) for n in range(start, min(count, start + 5_000))])
        self.execute("DELETE FROM task WHERE key LIKE 'creator:%'")
        self.execute("VACUUM ANALYZE")

    def touch(self) -> None:
        """Change every item, so that there is a task for each again."""
        self.execute("UPDATE generation_history SET nsfw = NOT nsfw")

    def server_cpu(self) -> float:
        """CPU seconds of the server and all its backends so far, past and present."""
        spent = []
        for process in (self._server, *self._server.children()):
            with suppress(psutil.NoSuchProcess):  # a backend that has ended meanwhile is among the server's children
                spent.append(process.cpu_times())
        ended = self._server.cpu_times()
        return float(sum(one.user + one.system for one in spent) + ended.children_user + ended.children_system)

    def work_off(self, batch: int) -> None:
        """The whole queue in this process, a batch after the other."""
        handler = MirrorHandler(self.database, self.gallery.mirror_queue, base_url=self.gallery.media_url)
        while tasks := claim(self.gallery, batch):
            handler._work(held(self.gallery, tasks))

    def mirrored(self) -> int:
        """How many items the mirror shows."""
        return int(self.execute("SELECT count(*) FROM public_generation"))

    def drain(self, drains: int, **changes: object) -> float:
        """Seconds until so many drains have emptied the queue."""
        with draining(self.settings.model_copy(update=changes), drains):
            began = time.perf_counter()
            self._await_empty()
            return time.perf_counter() - began

    def _await_empty(self) -> None:
        left = "SELECT EXISTS (SELECT FROM task WHERE queue = 'mirror' AND state IN ('waiting', 'active'))"
        while self.execute(left):
            time.sleep(0.02)

    def rhythm(self, polls: int) -> None:
        """As the system before this one: a poll of 12, each on its own, four at a time, then a pause."""
        from concurrent.futures import ThreadPoolExecutor

        handler = MirrorHandler(self.database, self.gallery.mirror_queue, base_url=self.gallery.media_url)
        with ThreadPoolExecutor(4) as pool:
            for _ in range(polls):
                tasks = claim(self.gallery, 12)
                list(pool.map(lambda task: handler._work(held(self.gallery, [task])), tasks))
                time.sleep(POLL_SECONDS)


def rates(bench: Bench, count: int) -> None:
    """Tasks a second: new items, and changed ones; by default 12 in a batch and 4 batches at a time."""
    print(f"Durable mirror tasks of {count} items, median of {ROUNDS} rounds")
    for drains in (1, 4):
        for batch, concurrency in ((12, 4), (100, 2), (500, 2)):
            new, changed = [], []
            for _ in range(ROUNDS):
                bench.fill(count)
                new.append(bench.drain(drains, mirror_batch=batch, mirror_concurrency=concurrency))
                bench.touch()
                changed.append(bench.drain(drains, mirror_batch=batch, mirror_concurrency=concurrency))
            print(
                f"  {drains} drains, batch {batch:>3} x {concurrency}:"
                f" {count / median(new):8,.0f} new/s {count / median(changed):8,.0f} changed/s",
                flush=True,
            )


def costs(bench: Bench, count: int) -> None:
    """CPU of a task, which tells more than rates where others use the machine too."""
    print("CPU of a task in microseconds, drain + server")
    for batch in (1, 12, 100, 500):
        items = count if batch > 1 else count // 10
        bench.fill(items)
        print(f"  batch {batch:>3}: new {_cost(bench, batch, items)}", end="", flush=True)
        bench.touch()
        print(f", changed {_cost(bench, batch, items)}", flush=True)


def _cost(bench: Bench, batch: int, items: int) -> str:
    ours, server = time.process_time(), bench.server_cpu()
    bench.work_off(batch)
    used = (time.process_time() - ours, bench.server_cpu() - server)
    return " + ".join(f"{1e6 * seconds / items:.0f}" for seconds in used)


def races(_options: Options) -> Iterator[Race]:
    """A whole `gallery drain` of new items, against one claim at a time, and against the original's rhythm."""
    with opened() as bench:
        one_by_one = _one_by_one(bench)
        bench.fill(RACED)
        home = {"ORCHESTRATION_HOME": str(bench.settings.home), "ORCHESTRATION_DATABASE_URL": bench.url}
        command("env", variables=home)
        ours = command("gallery", "drain", "--json", variables=home)
        bench.fill(RACED)
        began = time.perf_counter()
        bench.rhythm(3)
        rhythm = Timing((time.perf_counter() - began) / 36 * RACED, 0.0)
        what = f"gallery drain: {RACED:,} new items"
        for race in (Race(what, ours, one_by_one, "one claim at a time"), Race(what, ours, rhythm, "12 every 2.5 s")):
            report_race(race)
            yield race
        latency(bench, SAMPLES)


def _one_by_one(bench: Bench) -> Timing:
    bench.fill(FEW)
    found: list[Timing] = []
    with timed(found):
        bench.work_off(1)
    return found[0].times(RACED / FEW)


def gone_seconds(bench: Bench, count: int) -> list[float]:
    """From the commit of "private" to the moment at which a reader sees the item no more."""
    waits = []
    with bench.database.connect() as reader:
        for key in reader.execute(_SAMPLE, {"count": count}).scalars().all():
            with bench.database.begin() as connection:
                history.set_visibility(connection, [key], Visibility.PRIVATE)
            began = time.perf_counter()
            while reader.execute(_SHOWN, {"key": key}).scalar():
                pass
            waits.append(time.perf_counter() - began)
            time.sleep(0.01)
    return waits


_SAMPLE = sa.text("SELECT history_id FROM public_generation ORDER BY random() LIMIT :count")
_SHOWN = sa.text("SELECT EXISTS (SELECT FROM public_generation WHERE history_id = :key)")


def latency(bench: Bench, samples: int) -> None:
    """From "made private" to gone, with a warm drain: idle, and behind a backlog."""
    bench.fill(20_000)
    bench.drain(1, mirror_batch=500)
    with draining(bench.settings, 1, idle_seconds=60) as processes:
        print_waits("made private to gone, warm and idle", gone_seconds(bench, samples))
        bench.touch()
        print_waits("the same behind 20,000 changed items", gone_seconds(bench, min(samples, 40)))
        for process in processes:
            process.terminate()


def print_waits(title: str, waits: list[float]) -> None:
    """A line of percentiles."""
    steps = quantiles(waits, n=100)
    print(f"  {title}: p50 {1e3 * steps[49]:.1f} ms, p99 {1e3 * steps[98]:.1f} ms ({len(waits)} samples)", flush=True)


def killed(bench: Bench, count: int) -> None:
    """Eight drains, items that change meanwhile, and a `kill -9`: each revision once, in order, and none lost."""
    bench.fill(count)
    bench.execute(JOURNAL)
    settings = bench.settings.model_copy(update={"mirror_batch": 100, "mirror_retry_seconds": 0.0})
    began = time.perf_counter()
    with draining(settings, 8, idle_seconds=2) as processes:
        while bench.mirrored() < count / 4:
            time.sleep(0.05)
        os.kill(processes[0].pid or 0, signal.SIGKILL)
        for start in range(0, count, max(1, count // 20)):
            with bench.database.begin() as connection:
                history.update(connection, f"h{start:07d}", {"nsfw": True})
    seconds = time.perf_counter() - began
    writes = bench.execute("SELECT count(*) FROM journal")
    twice = bench.execute(
        "SELECT count(*) FROM (SELECT FROM journal GROUP BY history_id, revision HAVING count(*) > 1)"
    )
    back = bench.execute(
        "SELECT count(*) FROM (SELECT revision < lag(revision) OVER (PARTITION BY history_id ORDER BY id) AS back "
        "FROM journal) AS steps WHERE back"
    )
    with bench.database.begin() as connection:
        drift = find_drift(connection)
    print(
        f"  8 drains, {count} items, kill -9 of one: {seconds:.1f} s, {writes} writes, {twice} of them twice, "
        f"{back} out of order, {drift.total} lost; exits {sorted(str(one.exitcode) for one in processes)}",
        flush=True,
    )
    bench.execute("DROP TABLE journal; DROP FUNCTION note CASCADE")


def drift_seconds(bench: Bench, count: int) -> None:
    """How long a comparison takes, in step and far out of step."""
    bench.fill(count)
    bench.drain(1, mirror_batch=500)
    for title in ("in step", "every row stale"):
        began = time.perf_counter()
        with bench.database.begin() as connection:
            drift = find_drift(connection)
        print(
            f"  drift of {count} items, {title}: {time.perf_counter() - began:.2f} s, {drift.total} found", flush=True
        )
        bench.execute("UPDATE public_generation SET source_revision = 0")


def _migrate(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


@contextmanager
def opened() -> Iterator[Bench]:
    """A bench over an embedded server that lives as long as this process."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        bench = Bench(Path(directory))
        try:
            yield bench
        finally:
            bench.gallery.services.close()


def main(arguments: Sequence[str] = ()) -> None:
    """Race, and print the figures; the first argument is the scale."""
    count = int(FULL * float(arguments[0] if arguments else 1))
    with opened() as bench:
        costs(bench, max(1_000, count // 5))
        rates(bench, max(1_000, count // 5))
        latency(bench, SAMPLES)
        killed(bench, count)
        drift_seconds(bench, count * 2)


if __name__ == "__main__":
    main(sys.argv[1:])
