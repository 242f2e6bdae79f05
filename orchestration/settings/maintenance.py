"""The settings of maintenance. Keep out: how long a domain keeps its own rows."""

from __future__ import annotations

from pydantic import BaseModel, Field


class MaintenanceSettings(BaseModel):
    """Maintenance: how long Dagster's records are kept."""

    run_keep_days: float = Field(
        14.0, gt=0, description="Runs that succeeded or were canceled are deleted, with events and logs, when older"
    )
    run_keep_failed_days: float = Field(
        60.0, gt=0, description="Runs that failed are; one that an asset's or partition's status rests on never is"
    )
    run_prune_cron: str = Field("30 2 * * *", description="When old runs are deleted (UTC)")
