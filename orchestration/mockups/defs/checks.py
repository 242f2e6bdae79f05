"""What is standing wrong with mockups, as asset checks.

Keep out: the questions (`orchestration.mockups.health`).
"""

import dagster as dg

from orchestration.mockups import health
from orchestration.mockups.defs.pictures import KEYS
from orchestration.mockups.mockup_request import StageName
from orchestration.mockups.mockups import Mockups
from orchestration.runtime.checks import check

_PROMISES = {
    StageName.COMPOSITES: (
        "design_in_place",
        "On each composite of the last week the design is there, whole, in its zone, on its side and in its colours.",
    ),
    StageName.STILLS: ("design_in_view", "Every still of the last week shows the design where it is to be seen."),
    StageName.TURNTABLES: ("turntable_whole", "Every turntable of the last week turns once and meets its beginning."),
}


def _visual_check(stage: StageName) -> dg.AssetChecksDefinition:
    """The check of what a stage's pictures show, as it was found when they were made."""
    name, description = _PROMISES[stage]

    @dg.asset_check(name=name, asset=KEYS[stage], description=description)
    def pictures_are_right(mockups: dg.ResourceParam[Mockups]) -> dg.AssetCheckResult:
        return check(mockups, lambda connection: health.unseemly_pictures(connection, mockups.services.objects, stage))

    return pictures_are_right


@dg.asset_check(
    asset=KEYS[StageName.COMPOSITES], description="Every design of the last week is well seen on its fabric."
)
def designs_printable(mockups: dg.ResourceParam[Mockups]) -> dg.AssetCheckResult:
    """Look for designs that would hardly be seen."""
    return check(mockups, lambda connection: health.unprintable_designs(connection, mockups.services.objects))


@dg.asset_check(asset=KEYS[StageName.COMPOSITES], description="Every render job could be rendered or was retried.")
def no_render_job_failed(mockups: dg.ResourceParam[Mockups]) -> dg.AssetCheckResult:
    """Look for failed jobs that nobody has seen to."""
    return check(mockups, health.failed_jobs)


@dg.asset_check(
    asset=KEYS[StageName.STILLS], description="Every file of every render job is in the object store, whole."
)
def every_picture_is_stored(mockups: dg.ResourceParam[Mockups]) -> dg.AssetCheckResult:
    """Compare the files of the jobs with the object store."""
    return check(mockups, lambda connection: health.missing_outputs(connection, mockups.services.objects))


CHECKS = [*map(_visual_check, StageName), designs_printable, no_render_job_failed, every_picture_is_stored]
