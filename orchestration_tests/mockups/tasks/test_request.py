"""What of the settings decides the pictures of a job, and what tells its pictures from others."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from orchestration.mockups.jobs.model import JobOptions, RenderJob
from orchestration.mockups.mockup_request import AnimationFormat, EngineName
from orchestration.mockups.tasks.request import mockup_request, request_address, versions_for
from orchestration.settings import Settings


def job(**options: Any) -> RenderJob:  # noqa: ANN401 - fields of JobOptions
    values: dict[str, Any] = {field.name: None for field in fields(RenderJob)}
    return RenderJob(**values | {"preset": "chest-medium", "options": JobOptions(text="Anna", **options)})


def test_the_settings_choose_sizes_engine_and_animation_and_a_job_may_choose_its_sizes() -> None:
    settings = Settings(mockup_engine="blender", mockup_animation="avif", mockup_still_size=2048, mockup_frames=12)
    request = mockup_request(job(still_size=512), {}, settings)
    assert (request.engine, request.animation) == (EngineName.BLENDER, AnimationFormat.AVIF)
    assert (request.pictures.still, request.pictures.frames) == (512, 12)
    assert (mockup_request(job(), {}, settings).pictures.still, mockup_request(job(), {}, Settings()).engine) == (
        2048,
        EngineName.SOFTWARE,
    )


def test_pictures_of_another_engine_are_other_pictures() -> None:
    requests = [mockup_request(job(), {}, Settings(mockup_engine=name)) for name in ("software", "blender")]
    versions = [versions_for(request) for request in requests]
    assert versions[0].garment == versions[1].garment
    assert versions[0].renderer != versions[1].renderer
    addresses = {request_address(request, one) for request, one in zip(requests, versions, strict=True)}
    assert len(addresses) == 2
