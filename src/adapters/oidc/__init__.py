"""Providers of identities that speak OpenID Connect: one adapter for all that have a discovery document.

    provider     the port: where the browser goes, what its code is worth, who signed out
    discovery    what the provider says of itself
    keys         what it signs with, and which key a token names
    signatures   a token as it travels: header, payload, and whose it is
    tokens       what an ID token and a logout token must say
    profiles     what is taken over of a person
    calls        HTTP to somebody who is not trusted
    documents    JSON of somebody who is not trusted
    kept         what is fetched when it is needed, and again when it is old

Imports the domain, `httpx`, `jwt`, `cryptography` and `msgspec`.

*Why the protocol is written out here.* The signatures are PyJWT's and the calls are httpx's. What lies between is
comparisons, and each of them is a way in when it is missing: they stand where they can be read, one sentence each.
"""

from adapters.oidc.provider import OpenIdProvider

__all__ = ("OpenIdProvider",)
