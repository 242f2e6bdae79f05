"""The settings of the HTTP API. Keep out: its address, which its command takes."""

from __future__ import annotations

from pydantic import BaseModel, Field, field_validator

from orchestration.settings.fields import web_address


class ApiSettings(BaseModel):
    """HTTP API: how much it takes from one caller."""

    api_requests_per_second: float = Field(
        200.0, gt=0, description="Requests a second that one API key, or one address without a key, may make"
    )
    api_burst: int = Field(400, ge=1, description="Requests that it may make at once after a pause")
    api_max_body_bytes: int = Field(
        2 * 2**20, ge=1024, description="Largest body of a request, but for uploads, which have limits of their own"
    )
    dagster_url: str = Field(
        "http://127.0.0.1:3000", description="Where Dagster's UI is reached; the admin pages link to it"
    )
    api_body_seconds: float = Field(30.0, gt=0, description="How long a request's body may take to arrive")
    api_statement_seconds: float = Field(
        15.0, gt=0, description="How long one statement of the API may take in the database, its waits for locks too"
    )

    @field_validator("dagster_url")
    @classmethod
    def _dagster_address(cls, value: str) -> str:
        return web_address(value)
