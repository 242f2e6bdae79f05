"""Every setting has its variable and its default, and a bad value is one clear line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestration.errors import ConfigurationError
from orchestration.settings import RemovalPolicy, Settings, load_settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with an environment that sets nothing of ours."""
    for name in os.environ:
        if name.upper().startswith(("ORCHESTRATION_", "BULLMQ_", "PROMIDATA_", "MIRROR_")):
            monkeypatch.delenv(name)


def problem(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """The message that these variables lead to."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as raised:
        load_settings()
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_nothing_need_be_set() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert settings.home == Path(".orchestration")
    assert settings.database_url is None
    assert settings.removal_policy is RemovalPolicy.UNPUBLISH


@pytest.mark.parametrize(
    ("variable", "field", "value", "read"),
    [
        ("ORCHESTRATION_HOME", "home", "/srv/factory", Path("/srv/factory")),
        ("ORCHESTRATION_DATABASE_URL", "database_url", "postgresql://h/d", "postgresql://h/d"),
        ("ORCHESTRATION_REMOVAL_POLICY", "removal_policy", "soft-delete", RemovalPolicy.SOFT_DELETE),
        ("ORCHESTRATION_REMOVAL_GUARD_SHARE", "removal_guard_share", "0.5", 0.5),
        ("ORCHESTRATION_IMAGE_ATTEMPTS", "image_attempts", "7", 7),
        ("ORCHESTRATION_LOG_LEVEL", "log_level", "debug", "DEBUG"),
        ("PROMIDATA_BASE_URL", "promidata_base_url", "https://feed", "https://feed"),
        ("BULLMQ_CONCURRENCY_FAMILIES", "family_concurrency", "9", 9),
        ("BULLMQ_CONCURRENCY_IMAGES", "image_concurrency", "20", 20),
        ("BULLMQ_JOB_TIMEOUT_SUPPLIER", "supplier_timeout_ms", "60000", 60_000),
        ("BULLMQ_JOB_TIMEOUT_FAMILY", "family_timeout_ms", "5000", 5_000),
        ("BULLMQ_JOB_TIMEOUT_IMAGE", "image_timeout_ms", "6000", 6_000),
        ("STL_WORKER_CONCURRENCY", "print_concurrency", "3", 3),
        ("CONCURRENCY", "print_concurrency", "3", 3),
        ("BATCH_LIMIT", "mirror_batch", "3", 3),
        ("PROMISE_POOL_SIZE", "mirror_concurrency", "3", 3),
        ("POLL_INTERVAL_MS", "print_poll_ms", "400", 400),
        ("POLL_INTERVAL_MS", "mirror_poll_ms", "400", 400),
        ("ORCHESTRATION_SHIPSTATION_CUSTOM_FIELD", "shipstation_custom_field", "2", 2),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, field: str, value: str, read: object
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(load_settings(), field) == read


def test_a_queues_own_variable_wins_over_the_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_INTERVAL_MS", "400")
    monkeypatch.setenv("MIRROR_QUEUE_POLL_INTERVAL_MS", "900")
    settings = load_settings()
    assert (settings.print_poll_ms, settings.mirror_poll_ms) == (400, 900)


def test_the_pools_of_drains_are_as_large_as_their_settings() -> None:
    settings = Settings(print_max_drains=6, mirror_max_drains=3)
    assert settings.pool_sizes == {
        "prints_render": 6,
        "mockups_render": 2,
        "gallery_mirror": 3,
        "previews_render": 1,
    }


def test_the_waits_and_timeouts_are_those_of_the_system_before() -> None:
    settings = load_settings()
    assert (settings.supplier_attempts, settings.supplier_retry_seconds) == (2, 30)
    assert (settings.family_attempts, settings.family_retry_seconds, settings.family_concurrency) == (3, 10, 3)
    assert (settings.image_attempts, settings.image_retry_seconds, settings.image_concurrency) == (5, 30, 10)
    timeouts = (settings.supplier_timeout_ms, settings.family_timeout_ms, settings.image_timeout_ms)
    assert timeouts == (1_800_000, 300_000, 120_000)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("a.example", ("a.example",)),
        (" a.example, localhost:9000 ,,", ("a.example", "localhost:9000")),
        ("", ()),
    ],
)
def test_image_hosts_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, hosts: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ORCHESTRATION_IMAGE_HOSTS", text)
    assert load_settings().image_hosts == hosts


def test_an_override_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMIDATA_BASE_URL", "https://from.the.environment")
    monkeypatch.setenv("BULLMQ_CONCURRENCY_FAMILIES", "9")
    settings = load_settings(promidata_base_url="file:///given", family_concurrency=2)
    assert (settings.promidata_base_url, settings.family_concurrency) == ("file:///given", 2)


def test_the_object_store_lies_under_the_home_unless_it_is_set(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).object_store_url == (tmp_path / "objects").as_uri()
    assert Settings(home=tmp_path, object_store="s3://bucket/prefix").object_store_url == "s3://bucket/prefix"
    assert Settings(home=Path("state")).object_store_url == (Path.cwd() / "state" / "objects").as_uri()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ORCHESTRATION_FEED_INTERVAL_SECONDS", "soon", "valid integer"),
        ("ORCHESTRATION_FEED_INTERVAL_SECONDS", "4", "greater than or equal to 5"),
        ("ORCHESTRATION_REMOVAL_POLICY", "delete", "'keep', 'unpublish' or 'soft-delete'"),
        ("ORCHESTRATION_REMOVAL_GUARD_SHARE", "20", "less than or equal to 1"),
        ("ORCHESTRATION_IMAGE_RETRY_SECONDS", "-1", "greater than or equal to 0"),
        ("ORCHESTRATION_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("BULLMQ_CONCURRENCY_FAMILIES", "0", "greater than or equal to 1"),
        ("BULLMQ_CONCURRENCY_IMAGES", "ten", "valid integer"),
        ("BULLMQ_JOB_TIMEOUT_IMAGE", "0", "greater than 0"),
        ("ORCHESTRATION_PRINT_MAX_DRAINS", "9", "less than or equal to 8"),
        ("ORCHESTRATION_MIRROR_WARM_DRAINS", "9", "less than or equal to 8"),
    ],
)
def test_a_bad_value_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    message = problem(monkeypatch, **{variable: value})
    assert f"{variable}: " in message
    assert told in message


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = problem(monkeypatch, BULLMQ_CONCURRENCY_FAMILIES="0", ORCHESTRATION_IMAGE_ATTEMPTS="none")
    assert "BULLMQ_CONCURRENCY_FAMILIES" in message
    assert "ORCHESTRATION_IMAGE_ATTEMPTS" in message


@pytest.mark.parametrize("variable", ["ORCHESTRATION_PUBLIC_URL", "ORCHESTRATION_DAGSTER_URL"])
@pytest.mark.parametrize(
    "value",
    [
        "assets.example.com",
        "localhost:3001",
        "https://",
        "https://a.example/?x=1",
        "//a",
        "http://a:99999",
        "http://[a",
        "",
    ],
)
def test_an_address_that_no_browser_would_follow_from_a_link_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    assert f"{variable}: Input should be an address such as https://" in problem(monkeypatch, **{variable: value})


def test_a_tilde_in_the_home_is_expanded_where_no_shell_has_done_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORCHESTRATION_HOME", "~/factory")
    assert load_settings().home == tmp_path / "factory"
    assert "no home: write the whole path" in problem(monkeypatch, ORCHESTRATION_HOME="~nobody-of-that-name/factory")


def test_a_bad_override_is_told_too() -> None:
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_IMAGE_ATTEMPTS: "):
        load_settings(image_attempts=0)


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.image_attempts = 1  # type: ignore[misc]  # that is the point


def test_the_environment_holds_each_field_that_was_set_under_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULLMQ_CONCURRENCY_IMAGES", "7")
    monkeypatch.setenv("ORCHESTRATION_HOME", "/srv/factory")
    settings = load_settings(gallery_image_hosts=("a.example", "b.example:9000"), print_skip_if_exists=True)
    settings = settings.model_copy(update={"print_bed_mm": (180.0, 180.0, 200.0)})
    assert settings.environment() == {
        "BULLMQ_CONCURRENCY_IMAGES": "7",
        "ORCHESTRATION_HOME": "/srv/factory",
        "ORCHESTRATION_GALLERY_IMAGE_HOSTS": "a.example,b.example:9000",
        "SKIP_IF_EXISTS": "True",
        "ORCHESTRATION_PRINT_BED_MM": "[180.0, 180.0, 200.0]",
    }
    assert Settings(database_url=None).environment().keys() == Settings().environment().keys()


def test_a_process_that_is_given_the_environment_reads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    explicit = Settings(**{name: field.default for name, field in Settings.model_fields.items()})
    handed_on = explicit.environment(secrets=True)
    assert len(handed_on) == sum(value is not None for _, value in explicit)
    for variable, text in handed_on.items():
        monkeypatch.setenv(variable, text)
    assert Settings() == explicit


def test_secrets_go_to_child_processes_only() -> None:
    settings = Settings(shipstation_api_secret=SecretStr("hush"), signing_key=SecretStr("quiet"))
    assert settings.environment() == {}
    assert settings.environment(secrets=True) == {
        "SHIPSTATION_API_SECRET": "hush",
        "ORCHESTRATION_SIGNING_KEY": "quiet",
    }
    assert "hush" not in repr(settings)
