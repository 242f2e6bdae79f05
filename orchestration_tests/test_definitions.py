"""What Dagster loads: complete, under policy, cheap to import; and what its sensors ask for."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from orchestration.assembly import build_definitions
from orchestration.errors import ConfigurationError
from orchestration.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


HEAVY = ["pandas", "pyarrow", "pyvips", "PIL", "obstore", "boto3", "botocore", "trimesh", "numpy", "moto"]

# Asset: its partitions, what it depends on, its checks.
ASSETS = {
    "catalogue/promidata_feed": ("", [], []),
    "catalogue/categories": ("", ["catalogue/promidata_feed"], []),
    "catalogue/supplier_feed": (
        "supplier",
        ["catalogue/promidata_feed"],
        ["every_supplier_was_synced", "no_line_refused", "no_removals_held_back"],
    ),
    "catalogue/family_tasks": ("", ["catalogue/supplier_feed"], []),
    "catalogue/product_families": (
        "a_number",
        ["catalogue/family_tasks"],
        [
            "categories_are_known",
            "no_drift",
            "no_family_given_up",
            "no_variants_held_back",
            "positions_have_techniques",
            "quarantine_is_empty",
            "skus_are_unique",
        ],
    ),
    "catalogue/image_tasks": ("", ["catalogue/product_families"], []),
    "catalogue/family_images": ("a_number", ["catalogue/image_tasks"], ["no_image_given_up", "no_placeholder_image"]),
    "catalogue/variant_tasks": ("", ["catalogue/family_images"], []),
    "catalogue/image_variants": ("", ["catalogue/variant_tasks"], ["no_variant_given_up"]),
    "prints/print_orders": ("", [], []),
    "prints/print_tasks": ("", ["prints/print_orders"], []),
    "prints/stl": (
        "sku",
        ["prints/print_tasks"],
        [
            "characters_drawn",
            "every_output_is_stored",
            "every_sku_has_a_design",
            "fits_the_bed",
            "no_print_given_up",
            "no_slivers",
            "one_piece",
            "strokes_printable",
            "text_printable",
            "watertight",
        ],
    ),
    "prints/notification_tasks": ("", ["prints/stl"], []),
    "prints/order_updates": ("", ["prints/notification_tasks"], ["no_address_has_ended", "no_notification_given_up"]),
    "prints/plates": ("", ["prints/stl"], ["every_plate_is_as_ordered"]),
    "mockups/designs": ("", [], []),
    "mockups/render_tasks": ("", ["catalogue/product_families", "mockups/designs"], []),
    "mockups/composites": (
        "garment",
        ["mockups/render_tasks"],
        ["design_in_place", "designs_printable", "no_render_job_failed"],
    ),
    "mockups/stills": ("garment", ["mockups/composites"], ["design_in_view", "every_picture_is_stored"]),
    "mockups/turntables": ("garment", ["mockups/stills"], ["turntable_whole"]),
    "gallery/generation_history": ("", [], []),
    "gallery/mirror_tasks": ("", ["gallery/generation_history"], []),
    "gallery/public_generations": (
        "",
        ["gallery/mirror_tasks"],
        ["mirror_equals_source", "no_mirror_task_given_up", "no_stuck_tasks"],
    ),
    "gallery/image_tasks": ("", ["gallery/public_generations"], []),
    "gallery/image_variants": ("", ["gallery/image_tasks"], ["no_gallery_image_given_up"]),
    "gallery/signup_images": (
        "",
        ["gallery/public_generations"],
        ["signup_images_are_fresh", "signup_set_is_full"],
    ),
    "canvas/projects": ("", [], []),
    "canvas/snapshots": (
        "",
        ["canvas/projects"],
        ["no_snapshot_is_corrupt", "replay_equals_load", "snapshots_are_up_to_date"],
    ),
    "canvas/media_files": ("", [], []),
    "canvas/media_gc": (
        "",
        ["canvas/media_files", "canvas/snapshots", "gallery/public_generations"],
        ["bucket_equals_database", "collection_was_not_refused", "nothing_live_is_marked", "reference_counts_are_true"],
    ),
    "previews/preview_requests": ("", [], []),
    "previews/preview_tasks": ("", ["previews/preview_requests"], []),
    "previews/artifacts": (
        "",
        ["previews/preview_tasks"],
        ["every_artifact_is_stored", "no_preview_given_up", "no_preview_invalid", "no_stuck_previews"],
    ),
}
# Job: its assets, its longest run in seconds.
JOBS = {
    "catalogue_sync": (["catalogue/categories", "catalogue/supplier_feed"], 1_800),
    "catalogue_import": (["catalogue/product_families"], 7_200),
    "catalogue_mirror": (["catalogue/family_images"], 7_200),
    "catalogue_render": (["catalogue/image_variants"], 7_200),
    "catalogue_check": ([], 300),
    "prints_render": (["prints/stl"], 7_200),
    "prints_notify": (["prints/order_updates"], 7_200),
    "prints_plates": (["prints/plates"], 3_600),
    "prints_check": ([], 300),
    "mockups_render": (["mockups/composites", "mockups/stills", "mockups/turntables"], 7_200),
    "mockups_check": ([], 300),
    "mockups_cleanup": ([], 600),
    "gallery_mirror": (["gallery/public_generations"], 7_200),
    "gallery_render": (["gallery/image_variants"], 7_200),
    "gallery_signup": (["gallery/signup_images"], 600),
    "gallery_check": ([], 300),
    "canvas_snapshot": (["canvas/snapshots"], 3_600),
    "canvas_check": ([], 300),
    "canvas_collect": (["canvas/media_gc"], 7_200),
    "canvas_media_check": ([], 300),
    "previews_render": (["previews/artifacts"], 7_200),
    "previews_check": ([], 300),
    "maintenance_prune": ([], 3_600),
}
# Sensor: the job that it launches, how often it looks in seconds.
CHECK_JOBS = (
    "canvas_check", "canvas_media_check", "catalogue_check", "gallery_check", "mockups_check", "previews_check",
    "prints_check",
)  # fmt: skip
REQUESTED_JOBS = (
    "canvas_collect", "canvas_snapshot", "catalogue_sync", "gallery_check", "gallery_mirror", "gallery_signup",
    "mockups_render", "previews_render", "prints_plates", "prints_render",
)  # fmt: skip
SENSORS = {
    "catalogue_feed_sensor": ("catalogue_sync", 30),
    "catalogue_families_sensor": ("catalogue_import", 5),
    "catalogue_images_sensor": ("catalogue_mirror", 5),
    "catalogue_variants_sensor": ("catalogue_render", 5),
    "prints_tasks_sensor": ("prints_render", 5),
    "prints_notifications_sensor": ("prints_notify", 5),
    "mockups_jobs_sensor": ("mockups_render", 5),
    "gallery_mirror_sensor": ("gallery_mirror", 5),
    "gallery_images_sensor": ("gallery_render", 5),
    "gallery_signup_sensor": ("gallery_signup", 30),
    "canvas_projects_sensor": ("canvas_snapshot", 30),
    "previews_jobs_sensor": ("previews_render", 5),
    "checks_after_success_sensor": (CHECK_JOBS, 30),
    "checks_after_failure_sensor": (CHECK_JOBS, 30),
    "requests_sensor": (REQUESTED_JOBS, 5),
}
# Schedule: its job, its cron.
SCHEDULES = {
    "catalogue_nightly_audit": ("catalogue_sync", "0 3 * * *"),
    "prints_stale_tasks": ("prints_render", "*/15 * * * *"),
    "mockups_nightly_cleanup": ("mockups_cleanup", "0 2 * * *"),
    "gallery_drift": ("gallery_mirror", "30 * * * *"),
    "gallery_signup_schedule": ("gallery_signup", "*/5 * * * *"),
    "canvas_regular_snapshot": ("canvas_snapshot", "0 */6 * * *"),
    "canvas_media_collection": ("canvas_collect", "0 4 * * *"),
    "maintenance_nightly_prune": ("maintenance_prune", "30 2 * * *"),
}
# What the system does not make: what comes from outside, and the queues between its own assets.
EXTERNAL = {
    "catalogue/promidata_feed",
    "catalogue/family_tasks",
    "catalogue/image_tasks",
    "catalogue/variant_tasks",
    "prints/print_orders",
    "prints/print_tasks",
    "prints/notification_tasks",
    "mockups/designs",
    "mockups/render_tasks",
    "gallery/generation_history",
    "gallery/mirror_tasks",
    "gallery/image_tasks",
    "canvas/projects",
    "canvas/media_files",
    "previews/preview_requests",
    "previews/preview_tasks",
}
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """The definitions of the default settings; they touch nothing."""
    return build_definitions(Settings())


# How old an asset may be before the UI warns and calls it late, in hours.
FRESHNESS = {
    "catalogue/categories": (30, 48),
    "catalogue/supplier_feed": (30, 48),
    "gallery/public_generations": (2, 3),
    "gallery/signup_images": (None, 30),
    "canvas/snapshots": (12, 24),
    "canvas/media_gc": (30, 48),
}


def test_freshness_follows_from_the_schedules(definitions: dg.Definitions) -> None:
    found = {
        node.key.to_user_string(): (hours(node.freshness_policy.warn_window), hours(node.freshness_policy.fail_window))
        for node in definitions.resolve_asset_graph().asset_nodes
        if isinstance(node.freshness_policy, TimeWindowFreshnessPolicy)
    }
    assert found == FRESHNESS


def hours(window: object) -> float | None:
    """A window of Dagster's own kind, in hours."""
    return None if window is None else window.to_timedelta() / timedelta(hours=1)  # type: ignore[attr-defined]


def test_a_fresh_interpreter_loads_the_definitions_and_touches_nothing(tmp_path: Path) -> None:
    program = """
        import json, sys
        touched = []
        watched = {"socket.connect", "socket.bind", "socket.getaddrinfo", "os.mkdir"}
        sys.addaudithook(lambda event, details: touched.append([event, repr(details)]) if event in watched else None)
        from orchestration.definitions import defs
        print(json.dumps({"touched": touched, "modules": sorted(sys.modules), "jobs": [job.name for job in defs.jobs]}))
    """
    finished = subprocess.run(  # noqa: S603 - our own program
        # -B: compiled modules are not what is asked about.
        [sys.executable, "-B", "-W", "error::ResourceWarning", "-c", "\n".join(map(str.strip, program.splitlines()))],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": "", "PROMIDATA_BASE_URL": "http://feed.invalid", "ORCHESTRATION_DATABASE_URL": "postgresql://x/y"},
    )
    told: dict[str, Any] = json.loads(finished.stdout)
    assert told["touched"] == []
    assert set(HEAVY).isdisjoint(told["modules"])
    assert sorted(told["jobs"]) == sorted(JOBS)
    assert list(tmp_path.iterdir()) == []


def test_the_assets_are_these(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {}
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        partitions = node.partitions_def
        found[key.to_user_string()] = (
            partitions.name if isinstance(partitions, dg.DynamicPartitionsDefinition) else "",
            sorted(parent.to_user_string() for parent in node.parent_keys),
            sorted(check.name for check in node.check_keys),
        )
    assert found == ASSETS


def test_the_system_makes_all_assets_but_the_external_ones(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    external = {key.to_user_string() for key in graph.get_all_asset_keys() if not graph.get(key).is_materializable}
    assert external == EXTERNAL


def test_the_jobs_are_these(definitions: dg.Definitions) -> None:
    found = {}
    for job in definitions.jobs or ():
        resolved = definitions.resolve_job_def(job.name)
        made = sorted(key.to_user_string() for key in resolved.asset_layer.selected_asset_keys)
        found[job.name] = (made, int(resolved.tags["dagster/max_runtime"]))
        assert resolved.description
    assert found == JOBS


def test_every_asset_that_the_system_makes_has_a_job() -> None:
    assert {asset for assets, _ in JOBS.values() for asset in assets} == set(ASSETS) - EXTERNAL


def test_the_sensors_are_these_and_run_by_themselves(definitions: dg.Definitions) -> None:
    found = {}
    for sensor in definitions.sensors or ():
        jobs = sorted({target.job_name for target in sensor.targets})
        found[sensor.name] = (jobs[0] if len(jobs) == 1 else tuple(jobs), sensor.minimum_interval_seconds)
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
        assert sensor.description
    assert found == SENSORS


def test_the_schedules_are_these_and_run_by_themselves(definitions: dg.Definitions) -> None:
    found = {}
    for schedule in definitions.schedules or ():
        assert isinstance(schedule, dg.ScheduleDefinition)
        found[schedule.name] = (schedule.job_name, schedule.cron_schedule)
        assert schedule.execution_timezone == "UTC"
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert found == SCHEDULES


@pytest.mark.parametrize("asset", ASSETS)
def test_every_asset_says_whose_it_is_and_what_it_is(definitions: dg.Definitions, asset: str) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(asset.split("/")))
    domain, _ = asset.split("/")
    assert node.owners == [f"team:{domain}"]
    assert node.group_name == domain
    assert node.kinds
    assert node.description
    assert node.description.endswith(".")
    assert bool(node.code_version) is (asset not in EXTERNAL)


def test_every_check_says_what_should_be_so(definitions: dg.Definitions) -> None:
    checks = [check for definition in definitions.asset_checks or () for check in definition.check_specs]
    assert len(checks) == sum(len(names) for _, _, names in ASSETS.values())
    assert all(check.description and check.description.endswith(".") for check in checks)
    assert not any(check.blocking for check in checks)


def test_settings_reach_the_definitions() -> None:
    settings = Settings(feed_interval_seconds=60, nightly_audit_cron="30 4 * * 1", supplier_timeout_ms=90_000)
    definitions = build_definitions(settings)
    assert definitions.resolve_sensor_def("catalogue_feed_sensor").minimum_interval_seconds == 60
    assert definitions.resolve_schedule_def("catalogue_nightly_audit").cron_schedule == "30 4 * * 1"
    assert definitions.resolve_job_def("catalogue_sync").tags["dagster/max_runtime"] == "90"


@pytest.mark.parametrize(
    "setting", ["nightly_audit_cron", "gallery_drift_cron", "snapshot_cron", "run_prune_cron", "mockup_cleanup_cron"]
)
def test_a_cron_that_is_none_names_its_variable(setting: str) -> None:
    with pytest.raises(ConfigurationError, match=f"ORCHESTRATION_{setting.upper()} 'at night' is no schedule"):
        build_definitions(Settings().model_copy(update={setting: "at night"}))
