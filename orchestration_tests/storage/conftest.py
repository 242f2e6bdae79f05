"""A server that speaks S3, with conditional creates, and the settings that lead to it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import requests

from orchestration.storage.objects import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "catalogue"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The endpoint of a running S3 server that holds the bucket."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or each request is a line on standard error
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    requests.put(f"{endpoint}/{BUCKET}", timeout=10).raise_for_status()
    yield endpoint
    server.stop()


@pytest.fixture
def s3_variables(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the usual AWS variables, as an operator does; the bucket's name."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return BUCKET


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind; S3 shares a bucket, under a prefix of this test's own."""
    match request.param:
        case "file":
            return ObjectStore((tmp_path / "objects").as_uri())
        case "memory":
            return ObjectStore("memory:///")
        case _:
            return ObjectStore(f"s3://{request.getfixturevalue('s3_variables')}/{uuid4().hex}")
