"""Every setting has its variable and its default, and a bad value is one clear line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestration.errors import ConfigurationError
from orchestration.settings import RemovalPolicy, Settings, load_settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with an environment that sets nothing of ours."""
    for name in os.environ:
        if name.upper().startswith(("ORCHESTRATION_", "BULLMQ_", "PROMIDATA_")):
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
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, field: str, value: str, read: object
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(load_settings(), field) == read


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


def test_a_bad_override_is_told_too() -> None:
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_IMAGE_ATTEMPTS: "):
        load_settings(image_attempts=0)


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.image_attempts = 1  # type: ignore[misc]  # that is the point
