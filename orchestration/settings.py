"""Every setting, its default and its environment variable: the only reader of the environment.

Belongs here: what an operator may tune. Does not: numbers that follow from a format or a design, which stand beside
the code that uses them. All defaults work on one machine. Names without the prefix are those of the systems that this
one replaces, so that their operators find them again.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestration.errors import ConfigurationError


class RemovalPolicy(StrEnum):
    """What becomes of a family that the feed no longer lists."""

    KEEP = "keep"
    UNPUBLISH = "unpublish"
    SOFT_DELETE = "soft-delete"


Words = Annotated[tuple[str, ...], NoDecode]
"""Several values, separated by commas."""


def _renamed(default: object, name: str, original: str, **rules: Any) -> Any:  # noqa: ANN401 - as pydantic's `Field`
    """A field that is read from a variable of the system before this one."""
    return Field(default, validation_alias=AliasChoices(name, original), **rules)


class Settings(BaseSettings):
    """The settings of one process, read once from the environment.

    Names are the field's in upper case with the prefix `ORCHESTRATION_`, or the alias where one is given.
    """

    model_config = SettingsConfigDict(env_prefix="ORCHESTRATION_", frozen=True, extra="ignore", populate_by_name=True)

    home: Path = Field(Path(".orchestration"), description="State directory: embedded database, objects, logs")
    database_url: str | None = Field(
        None, description="PostgreSQL URL of the domain tables; unset starts the embedded server"
    )
    dagster_database_url: str | None = Field(
        None, description="PostgreSQL URL of Dagster's own tables; unset is `dagster` on the same server"
    )
    object_store: str | None = Field(
        None, description="`file:///...` or `s3://bucket/prefix`; unset is `objects` under the home"
    )
    log_level: str = Field("INFO", description="Lowest level that is logged")

    promidata_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("promidata_base_url", "PROMIDATA_BASE_URL"),
        description="The feed: its base URL, or the URL of its Import.txt; http(s) or file",
    )
    image_hosts: Words = Field(
        ("images.promi-dl.de", "promidatabase.s3.eu-central-1.amazonaws.com"),
        description="Hosts beside the feed's own that documents and images may come from, separated by commas; "
        "a `host:port` entry is trusted even at a private address",
    )
    removal_policy: RemovalPolicy = Field(
        RemovalPolicy.UNPUBLISH, description="What becomes of a family that left the feed"
    )
    removal_guard_share: float = Field(
        0.2, gt=0, le=1, description="Hold removals back above this share of a supplier's families"
    )
    removal_guard_minimum: int = Field(5, ge=0, description="Never hold back this many removals or fewer")
    feed_interval_seconds: int = Field(30, ge=5, description="How often the feed sensor looks at Import.txt")
    nightly_audit_cron: str = Field("0 3 * * *", description="When the nightly audit downloads everything (UTC)")

    supplier_attempts: int = Field(2, ge=1, description="Attempts at a supplier's feed")
    supplier_retry_seconds: float = Field(30.0, ge=0, description="First wait between them, doubled each time")
    family_concurrency: int = Field(
        3,
        ge=1,
        validation_alias=AliasChoices("family_concurrency", "BULLMQ_CONCURRENCY_FAMILIES"),
        description="Family documents downloaded at the same time",
    )
    family_attempts: int = Field(3, ge=1, description="Attempts at a family")
    family_retry_seconds: float = Field(10.0, ge=0, description="First wait between them, doubled each time")
    image_concurrency: int = Field(
        10,
        ge=1,
        validation_alias=AliasChoices("image_concurrency", "BULLMQ_CONCURRENCY_IMAGES"),
        description="Images downloaded at the same time",
    )
    image_attempts: int = Field(5, ge=1, description="Attempts at an image")
    image_retry_seconds: float = Field(30.0, ge=0, description="Fixed wait between them")
    image_revalidate_days: float = Field(7.0, ge=0, description="Ask again (by ETag) for images older than this")
    supplier_timeout_ms: int = Field(
        1_800_000,
        gt=0,
        validation_alias=AliasChoices("supplier_timeout_ms", "BULLMQ_JOB_TIMEOUT_SUPPLIER"),
        description="Longest run of a supplier sync",
    )
    family_timeout_ms: int = Field(
        300_000,
        gt=0,
        validation_alias=AliasChoices("family_timeout_ms", "BULLMQ_JOB_TIMEOUT_FAMILY"),
        description="Longest download of one family document",
    )
    image_timeout_ms: int = Field(
        120_000,
        gt=0,
        validation_alias=AliasChoices("image_timeout_ms", "BULLMQ_JOB_TIMEOUT_IMAGE"),
        description="Longest download of one image",
    )
    max_document_bytes: int = Field(32 * 2**20, gt=0, description="Largest family document")
    max_image_bytes: int = Field(32 * 2**20, gt=0, description="Largest image file")
    max_image_pixels: int = Field(80_000_000, gt=0, description="Largest image, width times height")

    public_url: str = Field(
        "http://127.0.0.1:3001",
        description="Where the API is reached; links to stored files begin with it",
    )
    signing_key: SecretStr | None = Field(
        None, description="Key of the signed links to a local object store; unset is one made in the home"
    )
    signed_link_hours: float = Field(168.0, gt=0, le=168, description="How long a signed link works; S3 allows 168")

    print_engine: Literal["native", "openscad"] = Field("native", description="What builds printable solids")
    print_fonts: Words = Field((), description="Further folders of fonts, separated by commas")
    print_concurrency: int = _renamed(
        2,
        "print_concurrency",
        "STL_WORKER_CONCURRENCY",
        ge=1,
        description="Renderings at the same time, in processes",
    )
    print_attempts: int = _renamed(10, "print_attempts", "MAX_RETRIES", ge=1, description="Attempts at a print task")
    print_retry_seconds: float = Field(5.0, ge=0, description="Fixed wait between them")
    print_timeout_minutes: float = Field(15.0, gt=0, description="A rendering that takes longer is killed and retried")
    print_skip_if_exists: bool = _renamed(
        False, "print_skip_if_exists", "SKIP_IF_EXISTS", description="Keep a task's files when it has all of them"
    )
    print_force: bool = _renamed(
        False, "print_force", "FORCE", description="Render anew even what has been rendered before"
    )
    print_order_statuses: Words = Field(
        ("awaiting_shipment",), description="Orders in these statuses are printed, separated by commas"
    )
    print_tasks_per_drain: int = Field(500, ge=1, description="Waiting print tasks for each drain run")
    print_max_drains: int = Field(2, ge=1, description="Print drains at the same time")
    print_nozzle_mm: float = Field(0.4, gt=0, description="The printer's nozzle, which no stroke may be thinner than")
    print_bed_mm: tuple[float, float, float] = Field(
        (220.0, 220.0, 250.0), description="What the printer can hold: width, depth, height, as a JSON list"
    )

    shipstation_api_key: SecretStr | None = _renamed(
        None, "shipstation_api_key", "SHIPSTATION_API_KEY", description="Write print files into ShipStation's orders"
    )
    shipstation_api_secret: SecretStr | None = _renamed(
        None, "shipstation_api_secret", "SHIPSTATION_API_SECRET", description="The secret that belongs to the key"
    )
    shipstation_url: str = Field("https://ssapi.shipstation.com", description="ShipStation's API")
    shipstation_custom_field: Literal[1, 2, 3] = Field(1, description="The custom field that gets the link")
    webhook_url: str | None = Field(None, description="Tell this URL of each finished print (Standard Webhooks)")
    webhook_secret: SecretStr | None = Field(None, description="The webhooks' signing secret, `whsec_` and base64")
    mail_to: Words = Field((), description="Tell these addresses of each finished print, separated by commas")
    mail_from: str = Field("orchestration@localhost", description="The sender of such mails")
    smtp_url: str = Field(
        "smtp://127.0.0.1:25", description="The mail server: `smtp://user:password@host:port` or smtps"
    )
    notification_attempts: int = Field(8, ge=1, description="Attempts at a notification")
    notification_retry_seconds: float = Field(10.0, ge=0, description="First wait between them, doubled each time")

    mirror_batch: int = _renamed(
        12, "mirror_batch", "MIRROR_QUEUE_BATCH_LIMIT", ge=1, description="Mirror tasks claimed together"
    )
    mirror_concurrency: int = _renamed(
        4, "mirror_concurrency", "MIRROR_QUEUE_CONCURRENCY", ge=1, description="Batches mirrored at the same time"
    )
    mirror_poll_ms: int = _renamed(
        2_500, "mirror_poll_ms", "MIRROR_QUEUE_POLL_INTERVAL_MS", gt=0,
        description="How often an idle drain looks for what nobody announced: dead workers, retries",
    )  # fmt: skip
    mirror_longest_poll_ms: int = _renamed(
        15_000, "mirror_longest_poll_ms", "MAX_BACKOFF_MS", gt=0, description="Up to how long it waits in the end"
    )
    mirror_attempts: int = Field(5, ge=1, description="Attempts at a mirror task")
    mirror_retry_seconds: float = Field(1.0, ge=0, description="First wait between them, doubled each time")
    mirror_lease_seconds: float = Field(300.0, gt=0, description="A mirror task of a silent worker is free after this")
    mirror_tasks_per_drain: int = Field(20_000, ge=1, description="Waiting mirror tasks for each drain run")
    mirror_max_drains: int = Field(2, ge=1, description="Mirror drains at the same time")
    mirror_warm_drains: int = Field(1, ge=0, description="Mirror drains that are kept up when nothing waits")
    gallery_image_hosts: Words = Field(
        (),
        description="Hosts that the gallery's images may come from, separated by commas; unset makes no variants",
    )
    gallery_drift_cron: str = Field("30 * * * *", description="When the mirror is compared with its source (UTC)")
    signup_images: int = Field(100, ge=1, description="Images that the signup page chooses from")
    signup_images_per_creator: int = Field(3, ge=1, description="Of one creator, at most")
    signup_min_score: float = Field(8.0, ge=0, le=10, description="Aesthetic score from which an image is shown")
    signup_refresh_hours: float = Field(24.0, gt=0, description="How old the signup images may become")

    snapshot_operations: int = Field(100, ge=1, description="Operations after which a canvas project is saved whole")
    snapshot_hours: float = Field(24.0, gt=0, description="Or hours, when there was any operation")
    snapshot_batch: int = Field(50, ge=1, description="Canvas projects looked at together, the longest unsaved first")
    snapshot_cron: str = Field("0 */6 * * *", description="When canvas projects are saved (UTC)")
    snapshot_keep_last: int = Field(5, ge=1, description="Snapshots of a project that are kept whatever their age")
    snapshot_keep_days: int = Field(14, ge=0, description="Beyond them, the last of each of so many days")
    snapshot_keep_weeks: int = Field(26, ge=0, description="And the last of each of so many weeks")
    gc_ttl_days: float = Field(30.0, gt=0, description="Media that nothing refers to are deleted when older than this")
    gc_grace_hours: float = Field(72.0, ge=0, description="From mark to deletion, while the mark can be undone")
    gc_batch: int = Field(100, ge=1, description="Media deleted together")
    gc_max_items: int = Field(10_000, ge=1, description="Media that one run deletes at most")
    gc_max_bytes: int = Field(100 * 2**30, ge=1, description="Bytes that one run deletes at most")
    gc_max_minutes: float = Field(30.0, gt=0, description="Minutes that one run takes at most")
    gc_max_share: float = Field(0.25, gt=0, le=1, description="Refuse to mark more than this share of all media")
    gc_cron: str = Field("0 4 * * *", description="When media are collected (UTC)")

    @field_validator(
        "image_hosts", "gallery_image_hosts", "print_fonts", "print_order_statuses", "mail_to", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in logging.getLevelNamesMapping():
            raise ValueError("Input should be DEBUG, INFO, WARNING, ERROR or CRITICAL")
        return value.upper()

    @property
    def object_store_url(self) -> str:
        """The object store's URL, with the default under the home filled in."""
        return self.object_store or (self.home.absolute() / "objects").as_uri()


def load_settings(**overrides: object) -> Settings:
    """Read the environment once; `overrides` win over it.

    Raises `ConfigurationError` that names each variable that does not fit, and why.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # checked by pydantic, as the environment is
    except ValidationError as error:
        problems = "; ".join(f"{_variable(problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise ConfigurationError(f"The settings do not fit. {problems}") from error


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable of the field that an error is at."""
    field = Settings.model_fields.get(str(location[0]))
    alias = field.validation_alias if field else None
    return str(alias.choices[-1]) if isinstance(alias, AliasChoices) else f"ORCHESTRATION_{location[0]}".upper()
