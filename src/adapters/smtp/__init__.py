"""Mail handed to a server over SMTP (RFC 5321).

    sender     the connection: TLS, credentials, time-outs, and which refusals are for good
    letters    a message as it travels

Imports the domain and `aiosmtplib`; the rest is the standard library's `email`.

*Why a connection for each mail.* Mails are few, and a connection kept open for them breaks unseen: every server ends
those that are idle.
"""

from adapters.smtp.sender import SmtpMailSender

__all__ = ("SmtpMailSender",)
