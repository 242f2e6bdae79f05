"""The settings that every domain shares: where things are kept, and how the API is reached.

Keep out: settings of one domain, which have a module each.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator

from orchestration.settings.fields import web_address


class CoreSettings(BaseModel):
    """Everywhere: databases, files, logs, links."""

    home: Path = Field(Path(".orchestration"), description="State directory: embedded database, objects, logs")
    database_url: str | None = Field(
        None, description="PostgreSQL URL of the domain tables; unset starts the embedded server"
    )
    dagster_database_url: str | None = Field(
        None, description="PostgreSQL URL of Dagster's own tables; unset is `dagster` on the same server"
    )
    database_connections: int = Field(
        15, ge=4, description="Connections to the domain tables that one process opens at most; 5 of them stay open"
    )
    object_store: str | None = Field(
        None, description="`file:///...` or `s3://bucket/prefix`; unset is `objects` under the home"
    )
    log_level: str = Field("INFO", description="Lowest level that is logged")
    public_url: str = Field(
        "http://127.0.0.1:3001",
        description="Where the API is reached; links to stored files begin with it",
    )
    signing_key: SecretStr | None = Field(
        None, description="Key of the signed links to a local object store; unset is one made in the home"
    )
    signed_link_hours: float = Field(168.0, gt=0, le=168, description="How long a signed link works; S3 allows 168")

    @field_validator("home")
    @classmethod
    def _expanded(cls, value: Path) -> Path:
        """A tilde is expanded by a shell only: a unit, a container or quotes leave it as it is."""
        try:
            return value.expanduser()
        except RuntimeError as error:
            raise ValueError("Input begins with ~, and this user has no home: write the whole path") from error

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        return web_address(value)

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
