"""`HEXKEY_DATABASE_URL`: what it may say, and what of it would only fail, or leak, at the first connection."""

from pathlib import Path

import asyncpg
import pytest

from app.settings import Database, Secret, SettingsError, made_secret, parse

PRODUCTION = {
    "HEXKEY_ENV": "production",
    "HEXKEY_SECRETS": made_secret(),
    "HEXKEY_PUBLIC_URL": "https://keys.example.org",
}
NOBODY = "postgresql:///x?user=nobody&host=127.0.0.1&port=1"


def refusal(url: str, **others: str) -> str:
    with pytest.raises(SettingsError) as refused:
        parse({**others, "HEXKEY_DATABASE_URL": url})
    (problem,) = refused.value.problems
    return str(problem)


class TestKinds:
    @pytest.mark.parametrize(
        ("url", "database"),
        [
            ("memory://", Database("memory")),
            ("sqlite:///state/keys.db", Database("sqlite", path=Path("state/keys.db"))),
            ("sqlite:////srv/my keys.db", Database("sqlite", path=Path("/srv/my keys.db"))),
            ("postgres://u:p@db/x", Database("postgresql", dsn=Secret("postgresql://u:p@db/x"))),
            ("postgresql:///x?host=/run", Database("postgresql", dsn=Secret("postgresql:///x?host=/run"))),
        ],
    )
    def test_three_are_known(self, url: str, database: Database) -> None:
        assert parse({"HEXKEY_DATABASE_URL": url}).database == database

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite://host/x",
            "memory://x",
            "mysql://u@h/d",
            "postgresql+asyncpg://h/d",
            "postgresql:/h/d",
            "postgresql://h:port/d",
            "keys.db",
            "sqlite:///x?mode=ro",
        ],
    )
    def test_any_other_is_refused(self, url: str) -> None:
        assert refusal(url).startswith("HEXKEY_DATABASE_URL ")


class TestParameters:
    """Of PostgreSQL."""

    @pytest.mark.parametrize(
        "query",
        [
            "sslmode=disable",
            "sslmode=allow",
            "sslmode=prefer",
            "sslmode=require",
            "sslmode=require&sslnegotiation=direct",
            "sslnegotiation=postgres",
            "sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.3",
            "target_session_attrs=any",
            "target_session_attrs=primary",
            "target_session_attrs=read-write",
            "password=p&dbname=y&passfile=/nowhere&sslpassword=q",
            "options=-csearch_path%3Dkeys",
            "host=127.0.0.1,[::1],localhost",
            "host=127.0.0.1,127.0.0.1&port=1,2",
        ],
    )
    async def test_the_driver_follows_each_that_is_accepted_as_far_as_the_closed_port(self, query: str) -> None:
        dsn = parse({"HEXKEY_DATABASE_URL": f"{NOBODY}&{query}"}).database.dsn
        assert dsn is not None
        with pytest.raises(OSError, match=r"Connect call failed|Multiple exceptions"):
            await asyncpg.connect(dsn.reveal(), timeout=5)

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            (
                "sslmode=bogus",
                "is wrong at sslmode; write one of disable, allow, prefer, require, verify-ca, verify-full",
            ),
            ("sslmode=", "is wrong at sslmode"),
            ("sslmode=verify_full", "is wrong at sslmode"),
            ("sslmode=disable&sslmode=bogus", "is wrong at sslmode"),
            ("sslnegotiation=tls", "is wrong at sslnegotiation"),
            ("sslnegotiation=direct&sslmode=prefer", "has sslnegotiation=direct without TLS"),
            ("ssl_min_protocol_version=TLSv9", "is wrong at ssl_min_protocol_version"),
            ("target_session_attrs=standby", "is wrong at target_session_attrs"),
            ("sslrootcert=/nowhere", "is wrong at sslrootcert; write the path of a file"),
            (f"sslcert=/{'n' * 300}", "is wrong at sslcert"),
            ("connect_timeout=3", "has a parameter that cannot be followed; keep to dbname, host, options, "),
            ("channel_binding=require", "has a parameter"),
            ("hostaddr=192.0.2.7", "has a parameter"),
            ("service=elsewhere", "has a parameter"),
            ("gsslib=gssapi", "has a parameter"),
            ("replication=database", "has a parameter"),
            ("sslmod=require", "has a parameter"),
            ("sslmode", "has something behind the ? that is no parameter"),
            ("sslmode=require&", "has something behind the ?"),
            ("host=", "is wrong at host"),
            ("host=a,,b", "is wrong at host"),
            ("host=::1", "is wrong at host"),
            ("host=db:5432", "is wrong at host"),
            ("host=*", "is wrong at host"),
            ("port=abc", "is wrong at port"),
            ("port=65536", "is wrong at port"),
            ("host=a,b&port=1,2,3", "is wrong at port; write one for all hosts"),
        ],
    )
    def test_what_it_would_stumble_over_is_refused_by_name(self, query: str, told: str) -> None:
        assert refusal(f"postgresql:///x?{query}").startswith(f"HEXKEY_DATABASE_URL {told}")

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("postgresql://u:p@ss@db/x", "has an @ or a #"),
            ("postgresql://u:12#3@db/x", "has an @ or a #"),
            ("postgresql://a,b/x", "names several hosts before the database"),
            ("postgresql://:5432/x", "names a port without a host"),
            ("postgresql://db/x?port=6432", "names its host twice"),
            ("postgresql://db/x?host=elsewhere", "names its host twice"),
        ],
    )
    def test_what_it_would_read_otherwise_than_people_do_is_refused(self, url: str, told: str) -> None:
        assert refusal(url).startswith(f"HEXKEY_DATABASE_URL {told}")

    def test_a_certificate_is_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "root.crt"
        file.touch()
        assert parse({"HEXKEY_DATABASE_URL": f"postgresql://db/x?sslmode=verify-full&sslrootcert={file}"})

    def test_no_part_of_the_url_is_repeated(self) -> None:
        told = refusal("postgresql:///x?Canary7f3a=Canary7f3a")
        assert "Canary7f3a" not in told


class TestProduction:
    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://u:p@127.0.0.1/x",
            "postgresql://[::1]/x",
            "postgresql://localhost/x",
            "postgresql:///x?host=/run",
            "postgresql:///x?host=/run,[::1],localhost",
            "postgresql://%2Frun%2Fpostgresql/x",
            "postgresql://db/x?sslmode=require",
            "sqlite:///x.db",
        ],
    )
    def test_a_database_that_nobody_can_listen_to_serves(self, url: str) -> None:
        assert parse({**PRODUCTION, "HEXKEY_DATABASE_URL": url}).env == "production"

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://10.0.0.7/x",
            "postgresql://db/x?sslmode=prefer",
            "postgresql:///x?host=db.example.org",
            "postgresql:///x?host=/run,db.example.org",
            "postgresql:///x?host=db.example.org,a.localhost",
            "postgresql://localhost.example.org/x",
            "postgresql://db/x?sslmode=require&sslmode=disable",
        ],
    )
    def test_a_database_across_a_network_needs_tls(self, url: str) -> None:
        assert "leaves this machine without TLS" in refusal(url, **PRODUCTION)
