"""The mockups over HTTP, as a shop sees them: designs in, jobs with progress and pictures out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from orchestration.mockups.mockups import Mockups
from orchestration_tests.mockups.drawing import sketch
from orchestration_tests.mockups.rendering import ALL_FILES, PRODUCT, VARIANT, add_products, drain
from orchestration_tests.mockups.tasks.test_handler import PNG

if TYPE_CHECKING:
    from orchestration.services import Services

FIELDS = {"product_id": PRODUCT, "variant_id": VARIANT, "preset": "chest-medium"}


@pytest.fixture
def mockups(services: Services) -> Mockups:
    """The mockups that the API works on, with small files instead of real ones."""
    add_products(services.database)
    return Mockups(services, sketch)


@pytest.fixture(scope="module")
def stocked(shared_services: Services) -> Services:
    """Services with products, for requests of which nothing comes."""
    add_products(shared_services.database)
    return shared_services


def submit(base_url: str, body: bytes | None = PNG, name: str = "logo.png", **fields: str) -> requests.Response:
    files = {} if body is None else {"design_file": (name, body, "image/png")}
    return requests.post(f"{base_url}/api/mockups/jobs", data=FIELDS | fields, files=files, timeout=30)


def get(base_url: str, path: str, **query: str | int) -> Any:  # noqa: ANN401 - as JSON has it
    return requests.get(f"{base_url}/api/mockups/{path}", params=query, timeout=30).json()


def test_an_uploaded_design_becomes_a_job_and_its_pictures(base_url: str, mockups: Mockups) -> None:
    created = submit(base_url, metadata='{"order": 17}', background_color="white", samples="2")
    assert created.status_code == 201
    job = created.json()
    assert (job["status"], job["progress"], job["sku"], job["metadata"]) == ("pending", 0, VARIANT, {"order": 17})
    assert job["options"] == {
        "fabric": "#101840", "background": "white", "samples": 2, "design_name": "logo.png",
    }  # fmt: skip

    drain(mockups)

    done = get(base_url, f"jobs/{job['id']}")
    assert (done["status"], done["progress"], len(done["outputs"])) == ("completed", 100, ALL_FILES)
    [front] = [one for one in done["outputs"] if one["angle"] == "front_0deg"]
    assert (front["metadata"]["media_type"], front["metadata"]["is_thumbnail"]) == ("image", True)
    with Mockups(mockups.services).render_jobs() as jobs:
        assert jobs.retrieve(job["id"]).rendered_image_url is not None
    link = front["url"].partition("/objects/")[2]
    picture = requests.get(f"{base_url}/objects/{link}", timeout=30)
    assert (picture.status_code, len(picture.content)) == (200, front["bytes"])


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"body": None}, 400, "MISSING_FILE"),
        ({"body": b"%PDF-1.7", "name": "a.pdf"}, 400, "INVALID_FILE_TYPE"),
        ({"body": b""}, 400, "FILE_UPLOAD_ERROR"),
        ({"body": PNG + b"\0" * 10 * 2**20}, 400, "FILE_TOO_LARGE"),
        ({"preset": "dead-center-medium"}, 400, "VALIDATION_ERROR"),
        ({"product_id": ""}, 400, "VALIDATION_ERROR"),
        ({"render_mode": "fast"}, 400, "VALIDATION_ERROR"),
        ({"samples": "5000"}, 400, "VALIDATION_ERROR"),
        ({"metadata": "[1]"}, 400, "VALIDATION_ERROR"),
        ({"fabric_color": "plaid"}, 400, "INVALID_COLOR"),
        ({"background_color": "#12"}, 400, "INVALID_COLOR"),
        ({"product_id": "A1-9"}, 404, "PRODUCT_NOT_FOUND"),
        ({"variant_id": "A1-9"}, 404, "PRODUCT_NOT_FOUND"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_codes_that_callers_know(
    shared_url: str, stocked: Services, change: dict[str, Any], status: int, code: str
) -> None:
    answer = submit(shared_url, **change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert get(shared_url, "stats")["total"] == 0
    assert stocked.objects.sizes() == {}


def test_a_failed_job_is_retried_as_another_one(base_url: str, mockups: Mockups) -> None:
    job = submit(base_url, name="refused").json()
    url = f"{base_url}/api/mockups/jobs/{job['id']}/retry"
    early = requests.post(url, json={}, timeout=30)
    assert (early.status_code, early.json()["code"]) == (400, "JOB_NOT_FAILED")
    drain(mockups)
    assert get(base_url, f"jobs/{job['id']}")["errorMessage"].startswith("the design is empty")
    wrong = requests.post(url, json={"fabricColor": "plaid"}, timeout=30)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "INVALID_COLOR")
    again = requests.post(url, json={"preset": "back-small", "samples": 8}, timeout=30)
    assert again.status_code == 201
    document = again.json()
    assert (document["retryCount"], document["metadata"]["retried_from"]) == (1, job["id"])
    assert (document["preset"], document["options"]["samples"]) == ("back-small", 8)
    missing = requests.post(url.replace(job["id"], "rjob_none"), json={}, timeout=30)
    assert (missing.status_code, missing.json()["code"]) == (404, "JOB_NOT_FOUND")


def test_jobs_are_listed_by_product_and_state_in_pages(base_url: str, mockups: Mockups) -> None:
    # In other fabrics, since equal ones would share their files.
    wanted = {"Anna": "red", "refused": "blue", "Ben": "green"}
    ids = [submit(base_url, name=name, fabric_color=fabric).json()["id"] for name, fabric in wanted.items()]
    drain(mockups)
    page = get(base_url, "jobs", productId=PRODUCT, limit=2)
    assert ([job["id"] for job in page["jobs"]], page["total"], page["hasMore"]) == (ids[:0:-1], 3, True)
    failed = get(base_url, "jobs", status="failed,rendering")
    assert [job["id"] for job in failed["jobs"]] == [ids[1]]
    assert get(base_url, "jobs", status=" , ")["total"] == 3
    assert get(base_url, "jobs", status="done")["code"] == "VALIDATION_ERROR"
    assert get(base_url, "jobs", limit=101)["code"] == "invalid"
    stats = get(base_url, "stats", productId=PRODUCT)
    assert (stats["total"], stats["completed"], stats["failed"]) == (3, 2, 1)


def test_jobs_are_deleted_restored_and_removed(base_url: str, mockups: Mockups) -> None:
    job_id = submit(base_url).json()["id"]
    drain(mockups)
    address = f"{base_url}/api/mockups/jobs/{job_id}"
    assert requests.delete(address, timeout=30).json() == {"id": job_id, "isRemoved": False, "files": 0}
    assert requests.get(address, timeout=30).json()["code"] == "JOB_NOT_FOUND"
    assert requests.delete(address, timeout=30).status_code == 404
    assert requests.post(f"{address}/restore", timeout=30).json()["deletedAt"] is None
    removed = requests.post(f"{address}/remove", timeout=30).json()
    assert (removed["isRemoved"], removed["files"]) == (True, ALL_FILES + 1)  # the design too
    assert requests.post(f"{address}/restore", timeout=30).status_code == 404
    assert requests.post(f"{address}/remove", timeout=30).json()["code"] == "JOB_NOT_FOUND"


def test_a_waiting_job_is_cancelled_once_and_can_be_retried(base_url: str, mockups: Mockups) -> None:
    job_id = submit(base_url).json()["id"]
    address = f"{base_url}/api/mockups/jobs/{job_id}"
    cancelled = requests.post(f"{address}/cancel", timeout=30)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "failed")
    assert cancelled.json()["errorMessage"] == "Cancelled on request"
    again, missing = (requests.post(f"{one}/cancel", timeout=30) for one in (address, f"{address}0"))
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert (missing.status_code, missing.json()["code"]) == (404, "JOB_NOT_FOUND")
    retried = requests.post(f"{address}/retry", json={}, timeout=30).json()
    drain(mockups)
    assert (get(base_url, f"jobs/{job_id}")["status"], get(base_url, f"jobs/{retried['id']}")["status"]) == (
        "failed",
        "completed",
    )


def test_a_product_has_the_front_of_its_newest_mockup_as_its_thumbnail(base_url: str, mockups: Mockups) -> None:
    address = f"{base_url}/api/mockups/products/{PRODUCT}/thumbnail"
    assert requests.get(address, timeout=30).status_code == 404
    submit(base_url)
    drain(mockups)
    picture = requests.get(address, timeout=30)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")


def test_rendering_again_is_asked_for_as_a_request(base_url: str, mockups: Mockups) -> None:
    answer = requests.post(f"{base_url}/api/mockups/render", json={"skus": [VARIANT]}, timeout=30)
    assert (answer.status_code, answer.json()["kind"]) == (202, "mockups.render")
    assert mockups.skus() == []
