"""The prints in Dagster: one file a subject, merged into one set of definitions.

`stl` renders files for orders, `plates` puts them on plates, `order_updates` reports them to the shop. Keep out: the
work itself, which is the domain's.
"""

import dagster as dg

from orchestration.prints.defs import order_updates, plates, stl
from orchestration.prints.prints import Prints
from orchestration.runtime.checks import check_job

prints_check = check_job("prints", [*stl.CHECKS, *order_updates.CHECKS, *plates.CHECKS])


def definitions(prints: Prints) -> dg.Definitions:
    """Everything that Dagster knows of these prints."""
    return dg.Definitions.merge(
        stl.definitions(prints, prints_check),
        order_updates.definitions(prints, prints_check),
        plates.definitions(prints_check),
        dg.Definitions(jobs=[prints_check], resources={"prints": prints}),
    )
