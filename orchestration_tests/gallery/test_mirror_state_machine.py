"""The mirror against a model of the history, under any sequence of changes, tasks, crashes and late workers."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestration.gallery import history
from orchestration.gallery.history import NewGeneration, User, Visibility
from orchestration.gallery.mirror import MirrorHandler
from orchestration.gallery.queues import mirror_task
from orchestration.gallery.reconcile import find_drift
from orchestration.gallery.shown import OPTIMISED
from orchestration.gallery.takedowns import lift, takedown
from orchestration.work_queue.model import DeadReason, NewTask, Priority, StaleClaimError
from orchestration.work_queue.queue import LOCK_CLASS
from orchestration_tests.gallery.mirroring import held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.gallery.gallery import Gallery
    from orchestration.gallery.mirror import Follow, MirrorResult
    from orchestration.work_queue.claim import Claim

KEYS, UIDS, WORKERS = ("a", "b", "c", "d"), ("u1", "u2"), (1, 2)
ADDRESSES = ("x.png", "y.png")


def entry(identity: str, url: str, is_optimised: bool) -> dict[str, object]:
    """An image whose optimised address says what it was made of."""
    return {"id": identity, "url": url, **({"thumbnailUrl": f"small {url}"} if is_optimised else {})}


# Mostly shown, since of what is hidden there is nothing to see.
VISIBILITY = st.sampled_from([*[Visibility.PUBLIC] * 4, Visibility.PRIVATE, Visibility.UNLISTED])
IMAGES = st.lists(
    st.builds(entry, st.sampled_from(["1", "2"]), st.sampled_from(ADDRESSES), st.booleans()),
    max_size=2,
    unique_by=lambda one: one["id"],
)
SOME = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True)
RARELY = st.sampled_from([True, False, False, False])
# What outside writers enqueue: right, late, invented.
PAYLOADS = st.one_of(
    st.fixed_dictionaries({"op": st.sampled_from(["upsert", "update", "remove", "explode"])}),
    st.just({"op": "update", "updates": {"prompt": "forged", "isPublic": True, "isDeleted": False}}),
    st.just({"op": "upsert", "itemSnapshot": {"isPublic": True, "visibility": "public", "prompt": "forged"}}),
    st.none(),
)


class MirrorMachine(RuleBasedStateMachine):
    """Writes the history in every way there is, and works the queue off in every way it can go wrong."""

    gallery: Gallery

    @initialize(images=st.lists(IMAGES, min_size=len(KEYS), max_size=len(KEYS)))
    def begin(self, images: list[list[dict[str, object]]]) -> None:
        """A public item of each name, mirrored."""
        self.database = self.gallery.database
        self.model: dict[str, dict[str, Any]] = {}
        self.users: dict[str, str] = {}
        self.down: set[str] = set()
        self.claims: list[Claim[MirrorResult]] = []
        self.revisions: dict[str, int] = {}
        self.made = 0
        with self.database.begin() as connection:
            tables = "generation_history, public_generation, gallery_takedown, app_user, task"
            connection.execute(sa.text(f"TRUNCATE {tables} CASCADE"))
        # The living workers' locks, all held by one session.
        self._locks = self.database.connect()
        self.locks = self._locks.__enter__()
        for worker in WORKERS:
            self.locks.execute(sa.select(sa.func.pg_advisory_lock_shared(LOCK_CLASS, worker)))
        for key, own in zip(KEYS, images, strict=True):
            self.create([key], UIDS[ord(key) % 2], Visibility.PUBLIC, is_public=True, images=own)
        self.drain()

    def teardown(self) -> None:
        try:
            self.drain()
        finally:
            self.leave()

    def leave(self) -> None:
        self.locks.execute(sa.select(sa.func.pg_advisory_unlock_all()))
        self._locks.__exit__(None, None, None)

    # The history.

    @rule(
        keys=SOME,
        uid=st.sampled_from(UIDS),
        visibility=VISIBILITY,
        is_public=st.sampled_from([*[True] * 5, False, "true"]),
        images=IMAGES,
    )
    def create(
        self, keys: Sequence[str], uid: str, visibility: Visibility, is_public: object, images: list[dict[str, object]]
    ) -> None:
        """Several at once, in one statement; those that exist stay."""
        new = [
            NewGeneration(key, uid, {"prompt": "new", "images": images}, visibility=visibility, is_public=is_public)
            for key in keys
        ]
        with self.database.begin() as connection:
            history.create(connection, new)
        for key in keys:
            self.model.setdefault(
                key,
                {
                    "uid": uid, "public": is_public is True, "visibility": visibility, "deleted": False,
                    "prompt": "new", "images": deepcopy(images),
                },
            )  # fmt: skip

    @precondition(lambda self: self.model)
    @rule(data=st.data(), images=IMAGES)
    def update(self, data: st.DataObject, images: list[dict[str, Any]]) -> None:
        """Fields and images by their names."""
        key = data.draw(st.sampled_from(sorted(self.model)))
        self.made += 1
        with self.database.begin() as connection:
            assert history.update(connection, key, {"prompt": f"prompt {self.made}", "images": images})
        one = self.model[key]
        standing = {image["id"]: image for image in one["images"]}
        one["prompt"] = f"prompt {self.made}"
        one["images"] = [
            image | {"thumbnailUrl": standing[image["id"]]["thumbnailUrl"]}
            if "thumbnailUrl" in standing.get(image["id"], {}) and standing[image["id"]]["url"] == image["url"]
            else image
            for image in images
        ]

    @rule(keys=SOME, visibility=VISIBILITY)
    def show(self, keys: Sequence[str], visibility: Visibility) -> None:
        with self.database.begin() as connection:
            history.set_visibility(connection, keys, visibility)
        self.each(keys, visibility=visibility, public=visibility is Visibility.PUBLIC)

    @rule(keys=SOME, is_deleted=RARELY)
    def mark(self, keys: Sequence[str], is_deleted: bool) -> None:
        """An outside writer's statement."""
        statement = "UPDATE generation_history SET is_deleted = :deleted WHERE history_id = ANY (:keys)"
        with self.database.begin() as connection:
            connection.execute(sa.text(statement), {"deleted": is_deleted, "keys": list(keys)})
        self.each(keys, deleted=is_deleted)

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        with self.database.begin() as connection:
            history.hard_delete(connection, [key])
        self.model.pop(key, None)

    @rule(keys=SOME, is_down=RARELY)
    def take(self, keys: Sequence[str], is_down: bool) -> None:
        with self.database.begin() as connection:
            takedown(connection, keys, "asked for") if is_down else lift(connection, keys)
        self.down = self.down | set(keys) if is_down else self.down - set(keys)

    @rule(uid=st.sampled_from(UIDS))
    def call(self, uid: str) -> None:
        self.made += 1
        self.users[uid] = f"name {self.made}"
        with self.database.begin() as connection:
            history.save_users(connection, [User(uid, self.users[uid], email="someone@example.org")])

    def each(self, keys: Sequence[str], **values: object) -> None:
        for key in keys:
            if key in self.model:
                self.model[key] |= values

    # The queue.

    @rule(key=st.sampled_from(KEYS), payload=PAYLOADS, priority=st.sampled_from(Priority))
    def enqueue(self, key: str, payload: object, priority: Priority) -> None:
        with self.database.begin() as connection:
            self.gallery.mirror_queue.enqueue(connection, [NewTask(key, payload, order_key=key, priority=priority)])

    @rule(worker=st.sampled_from(WORKERS), limit=st.integers(1, 4))
    def claim(self, worker: int, limit: int) -> None:
        with self.database.begin() as connection:
            tasks = self.gallery.mirror_queue.claim(connection, worker, limit)
        if tasks:
            self.claims.append(held(self.gallery, tasks))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), crashes=RARELY)
    def work(self, data: st.DataObject, crashes: bool) -> None:
        """Handle a claim, perhaps one that was lost long ago; or die in the middle of it."""
        claim = data.draw(st.sampled_from(self.claims))
        if crashes:

            def die(_connection: sa.Connection, _documents: object) -> None:
                raise KeyboardInterrupt

            try:
                self.handle(claim, die)
            except (KeyboardInterrupt, StaleClaimError):
                return
        else:
            try:
                self.handle(claim)
            except StaleClaimError:
                assert claim.unsettled
        self.claims.remove(claim)

    @rule(worker=st.sampled_from(WORKERS))
    def lose(self, worker: int) -> None:
        """The worker's session ends and somebody takes its tasks back; it may still come and go on."""
        self.locks.execute(sa.select(sa.func.pg_advisory_unlock_shared(LOCK_CLASS, worker)))
        self.reap()
        self.locks.execute(sa.select(sa.func.pg_advisory_lock_shared(LOCK_CLASS, worker)))

    @rule()
    def run_out(self) -> None:
        """Every lease ends."""
        with self.database.begin() as connection:
            connection.execute(sa.text("UPDATE task SET lease_until = now() - interval '1 s' WHERE state = 'active'"))
        self.reap()

    def reap(self) -> None:
        with self.database.begin() as connection:
            self.gallery.mirror_queue.reap(connection)

    def handle(self, claim: Claim[MirrorResult], follow: Follow | None = None) -> None:
        MirrorHandler(self.database, self.gallery.mirror_queue, base_url="", follow=follow)._work(claim)

    @rule()
    def drain(self) -> None:
        """Whatever others left behind is done in the end, and the mirror is the history's public part."""
        self.run_out()
        with self.database.begin() as connection:
            drift = find_drift(connection)
            differing = (*drift.extra, *drift.missing, *drift.stale)  # tasks that were given up
            self.gallery.mirror_queue.enqueue(connection, [mirror_task(one) for one in differing])
            self.gallery.mirror_queue.replay(connection)
            connection.execute(
                sa.text("UPDATE task SET run_at = now(), attempt = 0, crashes = 0 WHERE state = 'waiting'")
            )
        while True:
            with self.database.begin() as connection:
                tasks = self.gallery.mirror_queue.claim(connection, WORKERS[0], 3)
            if not tasks:
                break
            self.handle(held(self.gallery, tasks))
        assert self.behind() == set()
        self.settled_items_are_as_the_history_says()
        with self.database.begin() as connection:
            assert find_drift(connection).total == 0

    # What holds at every moment.

    def behind(self) -> set[str]:
        """What waits for a task, or had one that killed its workers until it was given up."""
        query = "SELECT key FROM task WHERE state IN ('waiting', 'active') OR reason = :crashed"
        with self.database.begin() as connection:
            return set(connection.execute(sa.text(query), {"crashed": DeadReason.CRASHED}).scalars())

    def expected(self, key: str) -> dict[str, Any] | None:
        one = self.model.get(key)
        if one is None or key in self.down or one["deleted"] or not one["public"] or one["visibility"] != "public":
            return None
        return {
            "uid": one["uid"],
            "prompt": one["prompt"],
            "images": [{"id": image["id"], "url": image["url"]} for image in one["images"]],
            "username": self.users.get(one["uid"]),
        }

    @invariant()
    def settled_items_are_as_the_history_says(self) -> None:
        """An item that is not behind is shown as it is, or not at all."""
        behind = self.behind()
        with self.database.begin() as connection:
            rows = connection.execute(sa.text("SELECT history_id, document FROM public_generation"))
            shown = {row.history_id: row.document for row in rows}
        for key in KEYS:
            if key in behind:
                continue
            expected = self.expected(key)
            assert (key in shown) == (expected is not None), key
            if expected is None or f"creator:{expected['uid']}" in behind:
                continue
            document = shown[key]
            images = [{name: image[name] for name in image if name not in OPTIMISED} for image in document["images"]]
            found = {"uid": document["uid"], "prompt": document["prompt"], "images": images}
            assert found | {"username": document["createdBy"]["username"]} == expected
            assert "example.org" not in str(document)
            own = {image["id"]: image for image in self.model[key]["images"]}
            for image in document["images"]:
                assert image.get("thumbnailUrl") in {None, f"small {image['url']}"}
                assert image.get("thumbnailUrl") == own[image["id"]].get("thumbnailUrl", image.get("thumbnailUrl"))

    @invariant()
    def mirrored_revisions_never_go_back(self) -> None:
        with self.database.begin() as connection:
            rows = connection.execute(sa.text("SELECT history_id, source_revision FROM public_generation"))
            now = {row.history_id: row.source_revision for row in rows}
        for key, revision in now.items():
            assert revision >= self.revisions.get(key, 0)
        self.revisions |= now


def test_the_mirror_ends_as_the_public_part_of_the_history(gallery: Gallery) -> None:
    machine = type("Machine", (MirrorMachine,), {"gallery": gallery})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=50,
            deadline=None,
            phases=[Phase.generate],  # a step takes milliseconds, so shrinking would take minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
