"""The asset of previews on a real instance: counts, pictures, links, and checks that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.cli.job_runner import job_runner
from orchestration.cli.previews_commands import check_previews, render_previews
from orchestration_tests.previews.payloads import small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.cli.job_runner import JobRunner
    from orchestration.settings import Settings

ARTIFACTS = dg.AssetKey(["previews", "artifacts"])


@pytest.fixture
def runner(preview_settings: Settings, dagster_url: str) -> Iterator[JobRunner]:
    settings = preview_settings.model_copy(update={"dagster_database_url": dagster_url})
    with job_runner(settings) as runner:
        yield runner


def passed(runner: JobRunner, name: str) -> bool:
    """The last outcome of a check."""
    key = dg.AssetCheckKey(ARTIFACTS, name)
    [record] = runner.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data.passed


def test_a_run_shows_what_it_made_and_what_it_could_not(runner: JobRunner) -> None:
    previews = runner.domains.previews
    previews.submit(small("good"))
    previews.submit(small("poster", options={"format": "png"}))
    previews.submit(small("dry", dry_run=True))
    previews.submit(small("bad", assets=[{"id": "a", "type": "image", "url": "http://10.0.0.1/a.png"}]))
    outcome = render_previews(runner)
    assert not outcome.success
    assert list(outcome.failed) == ["bad"]
    counts = {name: outcome.metadata[name] for name in ("completed", "dryrun", "invalid", "failed")}
    assert counts == {"completed": 2, "dryrun": 1, "invalid": 1, "failed": 0}
    assert outcome.metadata["film_seconds"] == 3.5
    assert outcome.metadata["picture of good"].startswith("![good](data:image/")
    assert "/objects/previews/sha256/" in outcome.metadata["video of good"]
    assert "video of poster" not in outcome.metadata

    check_previews(runner)
    assert not passed(runner, "no_preview_invalid")
    assert passed(runner, "no_preview_given_up")
    assert passed(runner, "every_artifact_is_stored")
    assert passed(runner, "no_stuck_previews")
