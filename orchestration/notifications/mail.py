"""E-mail: one message for each notice and recipient, and what the mail server's answers mean.

Each recipient is a channel of its own, because a server may accept a message for one and put another off: sent
together, those who have it would get it again. Keep out: retries, which are the queue's.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from orchestration.errors import ConfigurationError, PermanentError, TransientError
from orchestration.media.breaker import BreakerPolicy, EndpointBreaker

if TYPE_CHECKING:
    from orchestration.errors import OrchestrationError
    from orchestration.notifications.channel import Message
    from orchestration.notifications.notice import Notice
    from orchestration.settings import Settings

TIMEOUT_SECONDS = 30.0
# At a time; a thread of their own each, so that a slow server takes no others'.
SENDERS = 4
LONGEST_SUBJECT = 200
_FIRST_PERMANENT = 500


def mail_channels(settings: Settings) -> tuple[MailChannel, ...]:
    """A channel for each address that is set; raises `ConfigurationError` for a setting that does not fit."""
    if not settings.mail_to:
        return ()
    server = MailServer(settings.smtp_url)
    sender = Address(addr_spec=settings.mail_from)
    recipients = [Address(addr_spec=one) for one in dict.fromkeys(settings.mail_to)]
    return tuple(MailChannel(server, sender, recipient) for recipient in recipients)


class MailChannel:
    """Mails every notice to one recipient."""

    def __init__(self, server: MailServer, sender: Address, recipient: Address) -> None:
        self.name = f"email:{recipient.addr_spec}"
        self._server = server
        self._sender = sender
        self._recipient = recipient

    @property
    def address(self) -> str | None:
        """None: no answer ends it."""
        return None

    def accepts(self, notice: Notice) -> bool:
        """Every notice but those that name a receiver of their own."""
        return notice.callback_url is None

    def order_key(self, notice: Notice) -> str | None:  # noqa: ARG002 - mail is sorted by its date
        """None: mails may come in any order."""
        return None

    async def send(self, message: Message) -> None:
        """Hand the message to the mail server."""
        await self._server.send(self.compose(message))

    def compose(self, message: Message) -> EmailMessage:
        """The mail: the same at each attempt, down to its Message-ID."""
        notice = message.notice
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = self._sender
        mail["To"] = self._recipient
        mail["Subject"] = _one_line(notice.subject)
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.id}@{self._sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        link = f"\n\n{notice.link}" if notice.link and notice.link not in notice.text else ""
        mail.set_content(f"{notice.text}{link}\n")
        return mail


class _Login(NamedTuple):
    user: str
    password: str


class MailServer:
    """The mail server at an `smtp://` or `smtps://` URL; raises `ConfigurationError` for any other."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ConfigurationError(_WRONG_URL) from None
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ConfigurationError(_WRONG_URL)
        self._encrypted = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = port or (smtplib.SMTP_SSL_PORT if self._encrypted else smtplib.SMTP_PORT)
        self._login = _Login(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self.name = f"{parts.scheme}://{self._host}:{self._port}"
        self._breaker = EndpointBreaker(self.name, BreakerPolicy())
        self._threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="mail")

    async def send(self, mail: EmailMessage) -> None:
        """Hand over one mail; raises `TransientError` or `PermanentError`, as the server's answer is 4xx or 5xx."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._send, mail)

    def _send(self, mail: EmailMessage) -> None:
        try:
            with self._breaker:
                server = self._connect()
            try:
                self._authenticate(server)
                server.send_message(mail)
            finally:
                # Once the server has taken the mail, no trouble in parting may have it sent again.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
                server.close()
        except (smtplib.SMTPException, OSError) as error:
            raise _judged(error, self.name) from error

    def _connect(self) -> smtplib.SMTP:
        try:
            if self._encrypted:
                context = ssl.create_default_context()
                return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
            return smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        except (smtplib.SMTPException, OSError) as error:
            raise _judged(error, self.name) from error

    def _authenticate(self, server: smtplib.SMTP) -> None:
        if self._login is None:
            return
        if not self._encrypted:
            server.ehlo_or_helo_if_needed()
            if not server.has_extn("starttls"):
                raise PermanentError(f"{self.name} offers no encryption for the password; use smtps:// or no user")
            server.starttls(context=ssl.create_default_context())
        server.login(*self._login)


def _judged(error: Exception, name: str) -> OrchestrationError:
    """What an error of the mail library means."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return PermanentError(f"{name} cannot take this mail: {error}")
    if isinstance(error, smtplib.SMTPRecipientsRefused):  # one recipient, so one answer
        error = smtplib.SMTPResponseException(*next(iter(error.recipients.values())))
    if not isinstance(error, smtplib.SMTPResponseException):
        return TransientError(f"{name} did not answer: {error}")
    answer = error.smtp_error
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    message = f"{name} answered {error.smtp_code} {_one_line(text)}"
    return PermanentError(message) if error.smtp_code >= _FIRST_PERMANENT else TransientError(message)


def _one_line(text: str) -> str:
    """The text as one line without control characters, which in a header would begin another."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:LONGEST_SUBJECT]


_WRONG_URL = "ORCHESTRATION_SMTP_URL must be smtp://user:password@host:port or smtps://..."
