"""Events by mail."""

from __future__ import annotations

import json
import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import SplitResult, unquote, urlsplit

from ostinato.kernel.errors import Invalid, Unavailable
from ostinato.ledger.sentence import sentence
from ostinato.ledger.types import Parcel, Surroundings

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_RECIPIENTS_MAX = 50
_TIMEOUT_S = 10.0
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Mails each event to the addresses `to`, separated by commas, through the mail server of the installation.

    A repeat has the same Message-ID. The password of the server travels over TLS only.
    """

    to: str

    def __post_init__(self) -> None:
        wrong = [address for address in self._addresses() if not _ADDRESS.fullmatch(address)]
        if wrong or not 0 < len(self._addresses()) <= _RECIPIENTS_MAX:
            raise Invalid(
                f"not mail addresses: {', '.join(wrong) or self.to!r}", hint=f"1 to {_RECIPIENTS_MAX} addresses, with commas", field="to"
            )

    def _addresses(self) -> list[str]:
        return [part.strip() for part in self.to.split(",")]

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Mail one event."""
        server = _server(around)
        message = self._message(parcel, around.mail_from)
        try:
            with _connected(server) as smtp:
                refused = smtp.send_message(message, around.mail_from, self._addresses())
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"{server.hostname} did not take the mail: {error}") from error
        if refused:
            raise Unavailable(f"{server.hostname} refused {', '.join(refused)}")

    def _message(self, parcel: Parcel, sender: str) -> EmailMessage:
        event, message = parcel.event, EmailMessage()
        told = " ".join(sentence(event).split())
        message["Subject"] = f"[{event.project}] {told[:150]}"
        message["From"], message["To"] = sender, ", ".join(self._addresses())
        message["Date"], message["Message-ID"] = format_datetime(event.at), f"<{parcel.key}@ostinato>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{sentence(event)}\n\n{json.dumps(json.loads(parcel.body), indent=2, ensure_ascii=False)}\n")
        return message


def _server(around: Surroundings) -> SplitResult:
    place = urlsplit(around.smtp_url)
    if place.scheme not in _PORTS or not place.hostname or not _ADDRESS.fullmatch(around.mail_from):
        raise Unavailable("this installation sends no mail", hint="its operator sets OSTINATO_SMTP_URL and OSTINATO_MAIL_FROM")
    return place


def _connected(place: SplitResult) -> smtplib.SMTP:
    host, port = str(place.hostname), place.port or _PORTS[place.scheme]
    if place.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=ssl.create_default_context())
    else:
        smtp = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
    try:
        smtp.ehlo()
        if place.scheme == "smtp" and (place.username or smtp.has_extn("starttls")):
            smtp.starttls(context=ssl.create_default_context())
        if place.username:
            smtp.login(unquote(place.username), unquote(place.password or ""))
    except BaseException:
        smtp.close()
        raise
    return smtp
