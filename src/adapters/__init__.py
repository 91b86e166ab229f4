"""What stands behind the ports: one technology a folder, and none of them knows another.

    memory        every driven port without a database: real, transactional, shipped
    sql           SQLite and PostgreSQL
    security      argon2id, HMAC, EdDSA, AES-GCM, and the keys they need from the root secrets
    smtp          mail, handed to a server
    oidc          providers of identities that speak OpenID Connect
    redis         the rate limits of all workers together
    unsent_mail   mail where there is no server for it
    fallback_limits   rate limits while their store is away
    system        the machine's clock, and ids

Imports domain and its own technology. An adapter is right when it passes the suites in ``tests/contracts``.
"""
