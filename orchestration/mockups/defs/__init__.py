"""Mockups in Dagster: one file a subject, merged into one set of definitions.

`pictures` renders jobs, `cleanup` forgets old failures. Keep out: the work itself, which is the domain's.
"""

import dagster as dg

from orchestration.mockups.defs import checks, cleanup, pictures
from orchestration.mockups.mockups import Mockups
from orchestration.runtime.checks import check_job

mockups_check = check_job("mockups", checks.CHECKS)


def definitions(mockups: Mockups) -> dg.Definitions:
    """Everything that Dagster knows of these mockups."""
    return dg.Definitions.merge(
        pictures.definitions(mockups, mockups_check),
        cleanup.definitions(mockups),
        dg.Definitions(asset_checks=checks.CHECKS, jobs=[mockups_check], resources={"mockups": mockups}),
    )
