"""Ask whether a version in requirements.lock has a known vulnerability; `make check` does so.

`uv audit` asks, and knows only locks of its own: this one is written in its form, with names and versions alone. Where
nobody answers, it is said that nothing was audited, and that is no failure. Arguments are handed on to `uv audit`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK, ACCEPTED = HERE.parents[1] / "requirements.lock", HERE / "accepted.toml"
UV = Path(sys.executable).with_name("uv")
# Nobody waits for a machine that is cut off.
ENVIRONMENT = ["env", "UV_HTTP_RETRIES=0", "UV_HTTP_TIMEOUT=10", f"UV_PYTHON={sys.executable}"]
COMMAND = ["audit", "--frozen", "--preview-features", "audit-command", "--no-progress"]
# That it was not reached, or is somebody else who answers, such as a proxy.
AWAY = " for url ("

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
PROJECT = '[project]\nname = "audited"\nversion = "0"\nrequires-python = "==3.11.*"\ndependencies = [{names}]\n'
HEAD = (
    'version = 1\nrequires-python = "==3.11.*"\n\n'
    '[[package]]\nname = "audited"\nversion = "0"\nsource = { virtual = "." }\n'
)
PACKAGE = '\n[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "audited" }}\n'


def main(arguments: list[str], lock: Path = LOCK, accepted: Path = ACCEPTED) -> int:
    """Audit a lock; 0 when nothing was found, or nobody could be asked, else 1."""
    ignored = [f"--ignore-until-fixed={name}" for name in accepted_names(accepted)]
    pinned = PINNED.findall(lock.read_text())
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        write_project(Path(folder), pinned)
        asked = subprocess.run(  # noqa: S603 - our own program
            [*ENVIRONMENT, UV, *COMMAND, *ignored, *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
    if asked.returncode and AWAY in " ".join(asked.stderr.split()):
        print(f"{len(pinned)} packages were not audited: nobody answers who knows of vulnerabilities")
        return 0
    print(asked.stdout.strip() or asked.stderr.strip())
    if asked.returncode:
        print(f"Update what has a fix (`make lock`); {accepted.name} takes what has none, with the reason")
    return int(asked.returncode != 0)


def accepted_names(path: Path) -> list[str]:
    """The vulnerabilities that are accepted, each with a reason."""
    entries = tomllib.loads(path.read_text())
    if silent := [name for name, entry in entries.items() if not str(entry.get("reason", "")).strip()]:
        sys.exit(f"{path.name}: {', '.join(silent)} has no reason")
    return list(entries)


def write_project(folder: Path, pinned: list[tuple[str, str]]) -> None:
    """Write a project with the packages as its dependencies, and its lock."""
    names = ", ".join(f'"{name}"' for name, _ in pinned)
    (folder / "pyproject.toml").write_text(PROJECT.format(names=names))
    needed = "".join(f'    {{ name = "{name}" }},\n' for name, _ in pinned)
    packages = "".join(PACKAGE.format(name=name, version=version) for name, version in pinned)
    (folder / "uv.lock").write_text(f"{HEAD}dependencies = [\n{needed}]\n{packages}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
