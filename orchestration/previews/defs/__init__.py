"""The previews in Dagster: one file a subject, merged into one set of definitions.

`artifacts` renders preview jobs. Keep out: the work itself, which is the domain's.
"""

import dagster as dg

from orchestration.previews.defs import artifacts
from orchestration.previews.previews import Previews
from orchestration.runtime.checks import check_job

previews_check = check_job("previews", artifacts.CHECKS)


def definitions(previews: Previews) -> dg.Definitions:
    """Everything that Dagster knows of these previews."""
    return dg.Definitions.merge(
        artifacts.definitions(previews, previews_check),
        dg.Definitions(jobs=[previews_check], resources={"previews": previews}),
    )
