"""The gallery in Dagster: one file a subject.

Each reads a context, calls one function of the domain, and reports. Keep out: anything else.
"""

import dagster as dg

from orchestration.gallery.defs import image_variants, public_generations, signup_images
from orchestration.gallery.gallery import Gallery
from orchestration.runtime.checks import check_job

gallery_check = check_job("gallery", [*public_generations.CHECKS, *image_variants.CHECKS, *signup_images.CHECKS])


def definitions(gallery: Gallery) -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules, over this gallery."""
    subjects = (public_generations, image_variants, signup_images)
    return dg.Definitions.merge(
        *(subject.definitions(gallery, gallery_check) for subject in subjects),
        dg.Definitions(jobs=[gallery_check], resources={"gallery": gallery}),
    )
