"""Mails: what arrives, what is put off, and that nobody writes our headers but us."""

from __future__ import annotations

import email
import ipaddress
import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import ConfigurationError
from orchestration.notifications.channel import Message
from orchestration.notifications.mail import MailChannel, MailServer
from orchestration.settings import load_settings
from orchestration_tests.notifications.receivers import taking_mail
from orchestration_tests.notifications.sending import LINK, announce, drain, make_notice, make_outbox, states

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from aiosmtpd.smtp import Envelope

    from orchestration.notifications.outbox import Outbox
    from orchestration.storage.database import Database
    from orchestration_tests.notifications.receivers import Mailbox

HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"}
BODY_HEADERS = {"Content-Type", "Content-Transfer-Encoding", "MIME-Version"}


@pytest.fixture
def outbox(mailbox: Mailbox) -> Outbox:
    """Mail alone, to one recipient."""
    return make_outbox(smtp_url=mailbox.url, mail_to=("maker@example.org",), notification_attempts=3)


def parsed(envelope: Envelope) -> EmailMessage:
    """The mail as its reader has it."""
    assert isinstance(envelope.content, bytes)
    return email.message_from_bytes(envelope.content, policy=default)


async def test_a_mail_says_what_happened(database: Database, outbox: Outbox, mailbox: Mailbox) -> None:
    announce(database, outbox, make_notice(subject="Größe & Söhne: Druck fertig", text="Zoë\nist fertig."))
    await drain(database, outbox)
    (envelope,) = mailbox.mails
    mail = parsed(envelope)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("orchestration@localhost", ["maker@example.org"])
    assert (mail["Subject"], mail["To"], mail["From"]) == (
        "Größe & Söhne: Druck fertig",
        "maker@example.org",
        "orchestration@localhost",
    )
    assert mail.get_content().split() == ["Zoë", "ist", "fertig.", LINK]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert set(mail.keys()) - BODY_HEADERS - {"X-Peer", "X-MailFrom", "X-RcptTo"} == HEADERS


@pytest.mark.parametrize("put_off", ["450 4.2.0 greylisted, come back later", "421 too busy"])
async def test_a_mail_that_is_put_off_comes_again_later(
    database: Database, outbox: Outbox, mailbox: Mailbox, put_off: str
) -> None:
    mailbox.refusals = [put_off]
    announce(database, outbox, make_notice())
    drained, reported = await drain(database, outbox)
    assert (drained.retried, drained.completed) == (1, 1)
    assert put_off in str(reported[0].problem)
    assert len(mailbox.mails) == 1


async def test_every_attempt_carries_the_same_message_id(
    database: Database, outbox: Outbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_the_answer(server: smtplib.SMTP, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        answer = taken(server, *arguments, **options)
        if len(mailbox.mails) == 1:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return answer

    taken = smtplib.SMTP.send_message
    monkeypatch.setattr(smtplib.SMTP, "send_message", lose_the_answer)
    announce(database, outbox, make_notice(), make_notice("print:2:cd"))
    await drain(database, outbox)
    ids = [parsed(envelope)["Message-ID"] for envelope in mailbox.mails]
    assert (len(ids), len(set(ids))) == (3, 2)


async def test_a_refusal_is_final_and_told(database: Database, outbox: Outbox, mailbox: Mailbox) -> None:
    mailbox.refusals = ["550 5.1.1 no such user"]
    announce(database, outbox, make_notice())
    _, (delivery,) = await drain(database, outbox)
    assert (delivery.is_final, delivery.attempt, mailbox.mails) == (True, 1, [])
    assert "answered 550 5.1.1 no such user" in str(delivery.problem)


async def test_a_recipient_who_is_put_off_costs_the_others_no_second_mail(database: Database, mailbox: Mailbox) -> None:
    outbox = make_outbox(smtp_url=mailbox.url, mail_to=("one@example.org", "two@example.org"))
    mailbox.refusals = ["450 later", None]
    announce(database, outbox, make_notice())
    await drain(database, outbox)
    assert sorted(address for mail in mailbox.mails for address in mail.rcpt_tos) == [
        "one@example.org",
        "two@example.org",
    ]
    assert set(states(database).values()) == {"delivered"}


async def test_a_server_that_is_away_is_tried_again(database: Database, outbox: Outbox, unused_tcp_port: int) -> None:
    away = make_outbox(
        smtp_url=f"smtp://127.0.0.1:{unused_tcp_port + 1}", mail_to=("maker@example.org",), notification_attempts=2
    )
    announce(database, outbox, make_notice())
    drained, reported = await drain(database, away)
    assert (drained.retried, drained.dead) == (1, 1)
    assert "did not answer" in str(reported[-1].problem)


@given(text=st.text(st.characters(exclude_categories=["Cs"])), injected=st.sampled_from(["\n", "\r\n", "\r", "\x0b"]))
def test_no_subject_makes_a_header_or_a_recipient(text: str, injected: str) -> None:
    channel = MailChannel(
        MailServer("smtp://127.0.0.1"), Address(addr_spec="shop@example.org"), Address(addr_spec="maker@example.org")
    )
    notice = make_notice(subject=f"{text}{injected}Bcc: all@example.org{injected}{injected}body", text=text)
    sent = channel.compose(Message("1" * 32, notice, datetime(2026, 3, 1, tzinfo=UTC), "")).as_bytes()
    mail = email.message_from_bytes(sent, policy=default)
    assert set(mail.keys()) - BODY_HEADERS == HEADERS
    assert mail["To"] == "maker@example.org"


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for 127.0.0.1, which this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    return context


def check_login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401, ARG001
    """One user, one password."""
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop@example.org", b"p@ss word")
    return AuthResult(success=right, handled=right)


@pytest.mark.parametrize("password", ["p%40ss%20word", "wrong"])
async def test_a_password_goes_to_the_server_over_an_encrypted_connection(
    database: Database, unused_tcp_port: int, encrypted: ssl.SSLContext, password: str
) -> None:
    options = {"tls_context": encrypted, "authenticator": check_login, "auth_required": True}
    with taking_mail(unused_tcp_port, **options) as mailbox:
        url = f"smtp://shop%40example.org:{password}@127.0.0.1:{unused_tcp_port}"
        outbox = make_outbox(smtp_url=url, mail_to=("maker@example.org",))
        announce(database, outbox, make_notice())
        _, (delivery,) = await drain(database, outbox)
    if password == "wrong":  # noqa: S105 - it is
        assert (delivery.is_final, mailbox.mails) == (True, [])
        assert "answered 535" in str(delivery.problem)
    else:
        assert (delivery.problem, len(mailbox.mails)) == (None, 1)


async def test_smtps_is_encrypted_from_the_start(
    database: Database, unused_tcp_port: int, encrypted: ssl.SSLContext
) -> None:
    with taking_mail(unused_tcp_port, ssl_context=encrypted) as mailbox:
        outbox = make_outbox(smtp_url=f"smtps://127.0.0.1:{unused_tcp_port}", mail_to=("maker@example.org",))
        announce(database, outbox, make_notice())
        await drain(database, outbox)
    assert len(mailbox.mails) == 1


async def test_a_password_never_goes_over_an_open_connection(database: Database, mailbox: Mailbox) -> None:
    outbox = make_outbox(smtp_url=mailbox.url.replace("//", "//shop:secret@"), mail_to=("maker@example.org",))
    announce(database, outbox, make_notice())
    _, (delivery,) = await drain(database, outbox)
    assert (delivery.is_final, mailbox.mails) == (True, [])
    assert "offers no encryption" in str(delivery.problem)
    assert "secret" not in str(delivery.problem)


@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ({"mail_to": ("nobody",)}, "ORCHESTRATION_MAIL_TO"),
        ({"mail_to": ("a@example.org", "a@example.org\nBcc: b@example.org")}, "ORCHESTRATION_MAIL_TO"),
        ({"mail_to": ("a@-.example",)}, "ORCHESTRATION_MAIL_TO"),
        ({"mail_to": ("@example.org",)}, "ORCHESTRATION_MAIL_TO"),
        ({"mail_from": "Shop"}, "ORCHESTRATION_MAIL_FROM"),
    ],
)
def test_an_address_that_is_none_is_refused_when_the_settings_are_read(
    values: dict[str, object], variable: str
) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        load_settings(**values)


async def test_a_domain_of_other_letters_goes_out_in_its_ascii_form(database: Database, mailbox: Mailbox) -> None:
    outbox = make_outbox(smtp_url=mailbox.url, mail_to=("werkstatt@m\u00fcller.example", "a@stra\u00dfe.example"))
    announce(database, outbox, make_notice())
    await drain(database, outbox)
    assert sorted(address for mail in mailbox.mails for address in mail.rcpt_tos) == [
        "a@xn--strae-oqa.example",
        "werkstatt@xn--mller-kva.example",
    ]
