"""The settings of notifications. Keep out: what a notice says."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address

from pydantic import BaseModel, Field, SecretStr, field_validator

from orchestration.settings.fields import Words, renamed


class NotificationSettings(BaseModel):
    """Notifications: who hears of finished prints."""

    shipstation_api_key: SecretStr | None = renamed(
        None, "SHIPSTATION_API_KEY", description="Write print files into ShipStation's orders"
    )
    shipstation_api_secret: SecretStr | None = renamed(
        None, "SHIPSTATION_API_SECRET", description="The secret that belongs to the key"
    )
    shipstation_url: str = Field("https://ssapi.shipstation.com", description="ShipStation's API")
    shipstation_custom_field: int = Field(1, ge=1, le=3, description="The custom field that gets the link")
    webhook_url: str | None = Field(None, description="Notify this URL of each finished print (Standard Webhooks)")
    webhook_secret: SecretStr | None = Field(None, description="The webhooks' signing secret, `whsec_` and base64")
    callback_hosts: Words = Field(
        (),
        description="Hosts that callbacks of jobs may go to, separated by commas; `host:port` trusts a private address",
    )
    mail_to: Words = Field((), description="Notify these addresses of each finished print, separated by commas")
    mail_from: str = Field("orchestration@localhost", description="The sender of such mails")
    smtp_url: str = Field(
        "smtp://127.0.0.1:25", description="The mail server: `smtp://user:password@host:port` or smtps"
    )
    notification_attempts: int = Field(
        16, ge=1, description="Attempts at a notification; with the waits between them, more than a day"
    )
    notification_retry_seconds: float = Field(
        10.0, ge=0, description="First wait between them, doubled each time up to six hours"
    )

    @field_validator("mail_to", mode="after")
    @classmethod
    def _read_recipients(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_mail_address, addresses))

    @field_validator("mail_from", mode="after")
    @classmethod
    def _read_sender(cls, address: str) -> str:
        return _mail_address(address)


def _mail_address(text: str) -> str:
    """Return the address as mail servers take it: a domain of other letters in its ASCII form (IDNA 2008)."""
    import idna

    try:
        address = Address(addr_spec=text)
        domain = idna.encode(address.domain, uts46=True).decode("ascii")
        name = Address(username=address.username, domain=domain).addr_spec
    except (HeaderParseError, ValueError, IndexError) as error:
        raise ValueError(f"{text!r} must be an address such as name@example.org") from error
    if not address.username or " " in text or not text.isprintable():
        raise ValueError(f"{text!r} must be an address such as name@example.org")
    return name
