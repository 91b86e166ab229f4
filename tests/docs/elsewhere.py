"""What keyshield 2.0.1 and Kwik 1.13.0 leave behind: their tables of keys, in SQLite, and the keys that people hold."""

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import bcrypt
from argon2 import PasswordHasher

PEPPER = "a pepper that was never changed"
SECRET = "s" * 24 + "wxyz"
KEYSHIELD = """
    CREATE TABLE api_keys (
        id VARCHAR(36) PRIMARY KEY, name VARCHAR(128), description TEXT, is_active BOOLEAN NOT NULL,
        expires_at DATETIME, created_at DATETIME NOT NULL, last_used_at DATETIME, key_id VARCHAR(16) NOT NULL UNIQUE,
        key_hash VARCHAR(255) NOT NULL UNIQUE, key_secret_first VARCHAR(4) NOT NULL,
        key_secret_last VARCHAR(4) NOT NULL, scopes JSON NOT NULL
    )
"""
KWIK = """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, surname VARCHAR NOT NULL, email VARCHAR NOT NULL UNIQUE,
        hashed_password VARCHAR NOT NULL, is_active BOOLEAN NOT NULL
    );
    CREATE TABLE api_keys (
        id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), name VARCHAR(255) NOT NULL,
        prefix VARCHAR(8) NOT NULL, key_hash VARCHAR(64) NOT NULL UNIQUE, key_suffix VARCHAR(4) NOT NULL,
        expires_at DATETIME, revoked_at DATETIME, last_used_at DATETIME, created_at DATETIME NOT NULL
    )
"""
LONG_AGO, FAR_OFF = "2020-01-01 00:00:00.000000", "2099-01-01 00:00:00.000000"
Rows = Sequence[Sequence[object]]


def left_behind(folder: Path) -> None:
    argon2, slow = PasswordHasher(time_cost=1, memory_cost=64), f"{SECRET}{PEPPER}"
    (folder / "pepper").write_text(f"{PEPPER}\n")
    (folder / "keyshield.key").write_text(f"ak_v1-abcdef0123456789-{SECRET}")
    (folder / "keyshield-inactive.key").write_text(f"ak_v1-bbbbbb0123456789-{SECRET}")
    hashes = [argon2.hash(slow), bcrypt.hashpw(sha256(slow.encode()).digest(), bcrypt.gensalt(4)).decode()]
    shields = [
        (
            1,
            "ERP",
            None,
            True,
            FAR_OFF,
            LONG_AGO,
            None,
            "abcdef0123456789",
            hashes[0],
            "ssss",
            "wxyz",
            '["read", "write"]',
        ),
        (2, None, "Old", False, None, LONG_AGO, None, "bbbbbb0123456789", argon2.hash(slow), "ssss", "wxyz", "[]"),
        (3, "Gone", None, True, LONG_AGO, LONG_AGO, None, "cccccc0123456789", hashes[1], "ssss", "wxyz", '["read"]'),
    ]
    _kept(folder / "keyshield.db", KEYSHIELD, api_keys=shields)
    plain = f"tbk_{SECRET}"
    (folder / "kwik.key").write_text(plain)
    people = [
        (1, "Ada", "L.", "ada@example.org", "$2b$12$…", True),
        (2, "Bob", "B.", "bob@example.org", "$2b$12$…", False),
    ]
    keys = [
        (1, 1, "ERP", "tbk_", sha256(plain.encode()).hexdigest(), "wxyz", None, None, None, LONG_AGO),
        (2, 1, "Revoked", "tbk_", "1" * 64, "aaaa", None, LONG_AGO, None, LONG_AGO),
        (3, 1, "Expired", "tbk_", "2" * 64, "aaaa", LONG_AGO, None, None, LONG_AGO),
        (4, 2, "Of nobody", "tbk_", "3" * 64, "aaaa", None, None, None, LONG_AGO),
    ]
    _kept(folder / "kwik.db", KWIK, users=people, api_keys=keys)


def _kept(file: Path, schema: str, **tables: Rows) -> None:
    database = sqlite3.connect(file)
    database.executescript(schema)
    for table, rows in tables.items():
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    database.commit()
    database.close()
