"""What can go wrong, as types: the tree that every retry, queue and exit code reads.

Belongs here: classes that more than one domain raises or catches. Does not: messages, which are written where the
fact is known, and name the item and the remedy.

    OrchestrationError
    ├── PermanentError            trying again changes nothing
    │   ├── ConfigurationError    a setting or an argument is wrong; the command exits with 2
    │   ├── InvalidInputError     a document, file or value from outside breaks its format
    │   └── RefusedError          a rule of ours forbids it: a host, an address, a size
    └── TransientError            trying again may help; may carry the wait the other side asked for
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


class RefusedError(PermanentError):
    """A rule of ours forbids it, whatever the other side says."""


class TransientError(OrchestrationError):
    """Trying again may help.

    `retry_after` is the wait in seconds that the other side asked for, if it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
