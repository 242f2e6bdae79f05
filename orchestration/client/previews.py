"""Previews from another program: build a job, send it, wait for it, download what was made.

    client = PreviewClient("http://127.0.0.1:3001", key="orc_...")
    job = build_job("job-1", "project-1", title="Hello", steps=[{"title": "One", "text": "..."}])
    client.submit(job)
    client.wait("job-1")
    files = client.download("job-1", Path("out"))

Every call is tried again when the connection broke or the server asked for patience. That is safe, since a job is known
by its `jobId`: what was sent twice is one job. Keep out: rendering, and the server.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from orchestration.errors import NotFoundError, PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import urllib3

ATTEMPTS = 6
LONGEST_POLL = 30.0
_CHUNK = 2**20
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_NOT_FOUND, _FIRST_ERROR = 404, 400
_FINAL = frozenset({"success", "failed", "cancelled"})


class PreviewRejectedError(PermanentError):
    """The server does not take the request; `status` is that of HTTP, `faults` lists path and detail of each fault."""

    def __init__(self, message: str, status: int, faults: Sequence[Mapping[str, str]]) -> None:
        super().__init__(message)
        self.status = status
        self.faults = tuple(faults)


class JobFailedError(PermanentError):
    """The job ended without an artifact; `status` is the whole status."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__(f"The job {status['jobId']} ended as {status['status']}: {status.get('failedReason')}")
        self.status = status


class Accepted(NamedTuple):
    """A job that the server has; `is_repeat` when it had it before."""

    job_id: str
    status: str
    is_repeat: bool


def build_job(
    job_id: str,
    project_id: str,
    *,
    steps: Sequence[Mapping[str, Any]] = (),
    assets: Sequence[Mapping[str, Any]] = (),
    audio: Mapping[str, Any] | None = None,
    priority: str = "normal",
    dry_run: bool = False,
    request_id: str | None = None,
    **request: Any,  # noqa: ANN401 - further fields of the request, such as title and options
) -> dict[str, Any]:
    """A payload. `request` are further fields of `previewRequest`, such as title, options and callbackUrl."""
    return {
        "jobId": job_id,
        "projectId": project_id,
        "requestId": request_id or uuid4().hex,
        "dryRun": dry_run,
        "priority": priority,
        "previewRequest": {
            "steps": list(map(dict, steps)), "assets": list(map(dict, assets)), "audio": dict(audio or {}), **request,
        },
    }  # fmt: skip


class PreviewClient:
    """The previews of the API at `base_url`. `first_wait` seconds pass before the second attempt, and double."""

    def __init__(
        self, base_url: str, *, key: str | None = None, attempts: int = ATTEMPTS, first_wait: float = 0.5
    ) -> None:
        import urllib3

        self._base_url = base_url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=10, read=LONGEST_POLL + 30))
        self._backoff = wait_exponential_jitter(multiplier=first_wait, max=30, jitter=first_wait)
        self._attempts = attempts

    def submit(self, job: Mapping[str, Any]) -> Accepted:
        """Send a job; raises `PreviewRejectedError`, and `TransientError` when the queue stays full."""
        answer = self._call("POST", "/api/preview/job", body=msgspec.json.encode(job))
        document = msgspec.json.decode(answer.data)
        is_repeat = answer.headers.get("idempotent-replayed") == "true"
        return Accepted(document["jobId"], document["status"], is_repeat)

    def status(self, job_id: str, *, wait: float = 0.0) -> dict[str, Any]:
        """The status of a job, once it has ended or `wait` seconds have passed; raises `NotFoundError`."""
        path = f"/api/preview/job/{quote(job_id, safe='')}/status"
        answer = self._call("GET", f"{path}?wait={min(wait, LONGEST_POLL):g}" if wait else path)
        status: dict[str, Any] = msgspec.json.decode(answer.data)
        return status

    def wait(self, job_id: str, *, seconds: float = 900.0) -> dict[str, Any]:
        """The status of a job that has succeeded; raises `JobFailedError`, and `TransientError` when time is up."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            status = self.status(job_id, wait=max(0.1, left))
            if status["status"] == "success":
                return status
            if status["status"] in _FINAL:
                raise JobFailedError(status)
        raise TransientError(f"The job {job_id} has not ended within {seconds:g} s")

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Cancel a job; its status then."""
        answer = self._call("POST", f"/api/preview/job/{quote(job_id, safe='')}/cancel")
        status: dict[str, Any] = msgspec.json.decode(answer.data)
        return status

    def download(self, job_id: str, folder: Path) -> list[Path]:
        """Download every file of a job that has succeeded, each checked against its hash."""
        folder.mkdir(parents=True, exist_ok=True)
        retrying = self._retrying()
        return [retrying(self._download, one, folder) for one in self.status(job_id)["artifacts"]]

    def _download(self, artifact: Mapping[str, Any], folder: Path) -> Path:
        import urllib3

        path: Path = folder / artifact["name"]
        part = path.with_name(f"{path.name}.part")
        digest = hashlib.sha256()
        answer = self._send("GET", artifact["url"], headers={}, preload=False)
        try:
            with part.open("wb") as file:
                for chunk in answer.stream(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(f"{artifact['name']} broke off: {error}") from error
        finally:
            answer.release_conn()
        if digest.hexdigest() != artifact["sha256"]:
            raise TransientError(f"{artifact['name']} arrived with other bytes than the server names")
        part.replace(path)
        return path

    def _call(self, method: str, path: str, body: bytes | None = None) -> urllib3.BaseHTTPResponse:
        headers = {**self._headers, **({"content-type": "application/json"} if body is not None else {})}
        return self._retrying()(self._send, method, self._base_url + path, body, headers)

    def _send(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, *,
        preload: bool = True,
    ) -> urllib3.BaseHTTPResponse:  # fmt: skip
        import urllib3

        try:
            answer = self._http.request(method, url, body=body, headers=headers, preload_content=preload)
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(f"{self._base_url} did not answer: {error}") from error
        if answer.status >= _FIRST_ERROR:
            raise _error(answer)
        return answer

    def _retrying(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=self._wait_seconds,
            stop=stop_after_attempt(self._attempts),
            reraise=True,
        )

    def _wait_seconds(self, state: RetryCallState) -> float:
        """As long as the server asks for, if it does."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, TransientError) else None
        return max(asked or 0.0, self._backoff(state))


def _error(answer: urllib3.BaseHTTPResponse) -> Exception:
    try:
        document = msgspec.json.decode(answer.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = {}
    problem = document if isinstance(document, dict) else {}
    detail = str(problem.get("detail") or f"HTTP {answer.status}")
    if answer.status in _TRANSIENT:
        asked = answer.headers.get("retry-after", "")
        return TransientError(detail, retry_after=float(asked) if asked.isascii() and asked.isdigit() else None)
    if answer.status == _NOT_FOUND:
        return NotFoundError(detail)
    return PreviewRejectedError(detail, answer.status, problem.get("errors") or ())
