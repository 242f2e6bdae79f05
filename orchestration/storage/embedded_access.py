"""Who gets at the embedded PostgreSQL: its folders, the account that it runs as, and the users whom it lets in.

Keep out: starting and stopping it (`embedded`).

Nobody but the owner of the home gets in. The home, the data and the socket are in folders of their owner's alone, and
the server itself asks the system who is on the other end of the socket: it lets in the owner and root.
PostgreSQL refuses to run as root, so root's server runs as an account of its own, `pgserver`, that nobody can log in
to. That one passes root's closed folders by a capability; no folder is opened for it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from orchestration.errors import ConfigurationError

ACCOUNT = "pgserver"
# The address of a socket has 108 bytes on Linux and 104 on macOS, a zero at its end among them.
LONGEST_SOCKET = 103
_SOCKET = ".s.PGSQL.5432"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Passing any folder, and doing anything to any file; containers often have the second only.
_READ_SEARCH, _OVERRIDE = 2, 1
NO_CAPABILITY = -1

_REMEDY = "run as an ordinary user, or set ORCHESTRATION_DATABASE_URL to a server of your own"


class Account(NamedTuple):
    """The user that the server runs as."""

    uid: int
    gid: int

    def make_folder(self, folder: Path) -> None:
        """Make a folder that nobody else may enter."""
        folder.mkdir(mode=stat.S_IRWXU)
        self.own(folder)

    def own(self, path: Path) -> None:
        """Give a file or folder to this user; only root has to, and can."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def capability_for(self, *paths: Path) -> int:
        """The capability that this user needs to reach these paths; none if it is ours or every folder lets it pass."""
        if self.uid == os.geteuid() or all(_lets_pass(one) for path in paths for one in path.parents):
            return NO_CAPABILITY
        permitted = _permitted_capabilities()
        return next((one for one in (_READ_SEARCH, _OVERRIDE) if permitted >> one & 1), NO_CAPABILITY)


def make_private_home(home: Path) -> None:
    """Make the home its owner's alone; one that is there stays as it is.

    Raises `ConfigurationError` where it cannot be made.
    """
    try:
        if not home.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    except OSError as error:
        remedy = "set ORCHESTRATION_HOME to a folder that can be written"
        raise ConfigurationError(f"The home {home} cannot be made: {error.strerror}; {remedy}") from error


def close_home(home: Path) -> None:
    """Take a home that has held an embedded database from all others, who had it open in earlier versions.

    Not while the server runs: it may have been started without the capability to pass closed folders. What earlier
    versions opened above the home is for its owner to take back.
    """
    found = home.stat()
    is_ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
    if is_ours and found.st_mode & _OTHERS and (home / "postgres" / "PG_VERSION").exists():
        home.chmod(stat.S_IRWXU)


def server_account(directory: Path) -> Account:
    """Whom the server of this folder runs as: us, or for root the owner of the data, or an account for it.

    Raises `ConfigurationError` for a folder of somebody else's, and when root can have no account.
    """
    owner = directory.stat() if directory.exists() else None
    uid = os.geteuid()
    if uid:
        if owner and owner.st_uid != uid:
            raise ConfigurationError(
                f"{directory} belongs to {name_of(owner.st_uid)}; run as that user, or set ORCHESTRATION_HOME to a "
                "folder of your own"
            )
        return Account(uid, os.getegid())
    if owner and owner.st_uid:
        return Account(owner.st_uid, owner.st_gid)
    found = _account()
    if owner:
        os.chown(directory, found.uid, found.gid)
    return found


def socket_folder(directory: Path, account: Account) -> Path:
    """Where the socket is: with the data, or if that path is too long for one, in a folder as private in a short one.

    Raises `ConfigurationError` when somebody else has taken that folder's name.
    """
    if len(os.fsencode(directory / _SOCKET)) <= LONGEST_SOCKET:
        return directory
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    # root's own runtime folder is closed to the account of the server.
    runtime = Path(f"/run/user/{os.geteuid()}")
    base = runtime if os.geteuid() and runtime.is_dir() else Path(tempfile.gettempdir())
    folder = base / f"orchestration-{account.uid}-{name}"
    try:
        account.make_folder(folder)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & _OTHERS:
            raise ConfigurationError(
                f"{folder} is somebody else's, or open to others; remove it, or choose a shorter ORCHESTRATION_HOME"
            ) from None
    return folder


def write_access_rules(directory: Path, account: Account) -> bool:
    """Let in root and the owner of the home, under any role, and nobody else; False when that was so already."""
    owners = {"root", name_of(os.geteuid())}
    if name_of(account.uid) != ACCOUNT:
        owners.add(name_of(account.uid))
    quoted = ('"{}"'.format(name.replace('"', '""')) for name in sorted(owners))
    files = {
        "pg_hba.conf": "local all all peer map=orchestration\n",
        "pg_ident.conf": "".join(f"orchestration {name} all\n" for name in quoted),
    }
    changed = [name for name, text in files.items() if _text_of(directory / name) != text]
    for name in changed:
        new = directory / f"{name}.new"
        new.write_text(files[name])
        new.chmod(stat.S_IRUSR | stat.S_IWUSR)
        account.own(new)
        new.replace(directory / name)
    return bool(changed)


def name_of(uid: int) -> str:
    """The name of a user; raises `ConfigurationError` for one without, which PostgreSQL does not run for either."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise ConfigurationError(f"The user {uid} has no name on this machine; {_REMEDY}") from None


def _account() -> Account:
    """The account for root's servers, made if it is missing."""
    try:
        found = pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT)
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
            found = pwd.getpwnam(ACCOUNT)
        except (OSError, subprocess.SubprocessError, KeyError) as error:
            raise ConfigurationError(
                f"PostgreSQL does not run as root, and the account {ACCOUNT} cannot be made ({error}); {_REMEDY}"
            ) from error
    return Account(found.pw_uid, found.pw_gid)


def _lets_pass(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _permitted_capabilities() -> int:
    """The capabilities that this process has to give, as bits; none where the system is not Linux."""
    text = _text_of(Path("/proc/self/status"))
    lines = [line for line in text.splitlines() if line.startswith("CapPrm:")]
    return int(lines[0].split()[1], 16) if lines else 0


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
