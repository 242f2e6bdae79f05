"""What can go wrong, as types: the tree that every retry, queue and exit code reads.

Classes that more than one domain raises or catches. Keep out: messages, which are written where the
fact is known, and name the item and the remedy.

    OrchestrationError
    ├── PermanentError            trying again changes nothing
    │   ├── ConfigurationError    a setting or an argument is wrong; the command exits with 2
    │   ├── InvalidInputError     a document, file or value from outside breaks its format
    │   ├── NotFoundError         what was named does not exist
    │   ├── ConflictError         it contradicts what is there already
    │   └── RefusedError          a rule of ours forbids it: a host, an address
    │       └── TooLargeError     it is larger than a rule of ours allows
    ├── StoppedError              a termination signal ended the work in order; the command exits with 130
    └── TransientError            trying again may help; may carry the wait the other side asked for
        ├── QueueFullError        a queue takes no more for now; carries a wait
        ├── DatabaseAwayError     the database is gone, closed or read-only for now; never the task's fault
        └── LockTimeoutError      another transaction kept a row locked for too long
"""

from __future__ import annotations


class OrchestrationError(Exception):
    """The root: whatever this package raises on purpose."""


class PermanentError(OrchestrationError):
    """Trying again changes nothing: the item goes to the dead letters or the quarantine."""


class ConfigurationError(PermanentError):
    """A setting or an argument is wrong, and nothing was done."""


class InvalidInputError(PermanentError):
    """Something from outside breaks its format."""


class NotFoundError(PermanentError):
    """What was named does not exist."""


class ConflictError(PermanentError):
    """It contradicts what is there already, such as another payload under the same key."""


class RefusedError(PermanentError):
    """A rule of ours forbids it, whatever the other side says."""


class TooLargeError(RefusedError):
    """It is larger than a rule of ours allows."""


class StoppedError(OrchestrationError):
    """A termination signal ended the work in order; nothing was lost."""


class TransientError(OrchestrationError):
    """Trying again may help.

    `retry_after` is the wait in seconds that the other side asked for, if it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueFullError(TransientError):
    """A queue takes no more tasks for now; `retry_after` is the wait in seconds that it suggests."""


class DatabaseAwayError(TransientError):
    """The database is gone, closed or read-only for now: whatever was being done is not at fault."""


class LockTimeoutError(TransientError):
    """Another transaction kept a row locked for longer than the caller waits; the rest can go on."""
