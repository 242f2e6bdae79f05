"""The images of public generations as an asset: what a run does and reports, and when it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration_tests.gallery.defs.running import execute, metadata, run
from orchestration_tests.runtime.ticks import tick

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.gallery.gallery import Gallery


def test_images_are_fetched_by_runs_of_their_own(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert not tick(loaded, "gallery_images_sensor", instance).requests
    execute(gallery, "INSERT INTO task (queue, key) VALUES ('gallery-variant', 'aa')")
    assert len(tick(loaded, "gallery_images_sensor", instance).requests) == 1
    result = run(loaded, instance, "gallery_render", raises=False, idle_seconds=None)
    assert not result.success
    reported = metadata(result)
    assert (reported["fetched_stored"], reported["failed"]) == (0, 1)
