"""Every setting, its default and its environment variable: the only reader of the environment.

Belongs here: what an operator may tune. Does not: numbers that follow from a format or a design, which stand beside
the code that uses them. All defaults work on one machine. The `BULLMQ_*` names are those of the system this one
replaces, so that its operators find them again.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestration.errors import ConfigurationError


class RemovalPolicy(StrEnum):
    """What becomes of a family that the feed no longer lists."""

    KEEP = "keep"
    UNPUBLISH = "unpublish"
    SOFT_DELETE = "soft-delete"


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
    image_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
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

    @field_validator("image_hosts", mode="before")
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
