"""The catalogue in Dagster, one subject a file.

A file reads a context, calls one function of the domain, and reports. Keep out: anything else.
"""

import dagster as dg

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.defs import families, feed, image_variants, images
from orchestration.runtime.checks import check_job

SUBJECTS = (feed, families, images, image_variants)


def definitions(catalogue: Catalogue) -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules over this catalogue, in the order in which work flows."""
    checks = check_job("catalogue", [check for subject in SUBJECTS for check in subject.CHECKS])
    parts = [subject.definitions(catalogue, checks) for subject in SUBJECTS]
    return dg.Definitions.merge(*parts, dg.Definitions(jobs=[checks], resources={"catalogue": catalogue}))
