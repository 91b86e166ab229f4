import secrets
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from threading import Barrier

import msgspec
import pytest

from app.settings import (
    Database,
    Limit,
    Problem,
    Secret,
    Settings,
    SettingsError,
    development_secrets,
    load,
    made_secret,
    parse,
)

STRONG = made_secret()
PRODUCTION = {
    "HEXKEY_ENV": "production",
    "HEXKEY_SECRETS": STRONG,
    "HEXKEY_PUBLIC_URL": "https://keys.example.org",
    "HEXKEY_DATABASE_URL": "postgresql://hexkey@db.example.org/hexkey?sslmode=verify-full",
}


def problems(environ: dict[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as refused:
        parse(environ)
    return refused.value.problems


def at_fault(environ: dict[str, str]) -> list[str]:
    return sorted(problem.variable for problem in problems(environ))


class TestDefaults:
    def test_nothing_needs_to_be_set_in_development(self) -> None:
        settings = parse({})
        assert settings.env == "development"
        assert settings.database == Database("sqlite", path=Path(".hexkey/hexkey.db"))
        assert settings.access_token_ttl == timedelta(minutes=10)
        assert settings.rate_limit_default == Limit(600, timedelta(minutes=1))
        assert settings.allowed_hosts == ("127.0.0.1", "localhost", "[::1]")
        assert (settings.docs, settings.log_format) == ("on", "console")

    def test_production_keeps_its_docs_and_its_prose_to_itself(self) -> None:
        settings = parse(PRODUCTION)
        assert (settings.docs, settings.log_format) == ("off", "json")
        assert settings.allowed_hosts == ("keys.example.org",)
        assert settings.warnings == ()

    def test_the_embedded_database_lies_in_the_data_directory(self) -> None:
        assert parse({"HEXKEY_DATA_DIR": "/var/lib/hexkey"}).database.path == Path("/var/lib/hexkey/hexkey.db")

    def test_settings_do_not_change(self) -> None:
        with pytest.raises(AttributeError):
            parse({}).env = "production"  # type: ignore[misc]  # that is the point


class TestReading:
    @pytest.mark.parametrize(
        ("text", "length"),
        [
            ("1ms", timedelta(milliseconds=1)),
            ("90s", timedelta(seconds=90)),
            ("5m", timedelta(minutes=5)),
            ("36h", timedelta(hours=36)),
            ("999999999d", timedelta(days=999_999_999)),
        ],
    )
    def test_a_duration_has_a_number_and_a_unit(self, text: str, length: timedelta) -> None:
        assert parse({"HEXKEY_SESSION_IDLE": text}).session_idle == length

    @pytest.mark.parametrize(
        "text", ["", "10", "010s", "1.5h", "-1s", "1 s", "s", "1w", "1000000000s", "0m", "\u0661s"]
    )
    def test_anything_else_is_no_duration(self, text: str) -> None:
        assert at_fault({"HEXKEY_SESSION_IDLE": text}) == ["HEXKEY_SESSION_IDLE"]

    def test_a_retry_window_may_be_nothing_but_a_token_lives_some_time(self) -> None:
        assert parse({"HEXKEY_REFRESH_RETRY_WINDOW": "0s"}).refresh_retry_window == timedelta(0)
        assert at_fault({"HEXKEY_ACCESS_TOKEN_TTL": "0s"}) == ["HEXKEY_ACCESS_TOKEN_TTL"]

    def test_a_limit_may_be_off(self) -> None:
        settings = parse({"HEXKEY_RATE_LIMIT_DEFAULT": "off", "HEXKEY_RATE_LIMIT_ANONYMOUS": "5/day"})
        assert settings.rate_limit_default is None
        assert settings.rate_limit_anonymous == Limit(5, timedelta(days=1))

    @pytest.mark.parametrize("text", ["0/minute", "5", "5/week", "5/60", "-5/minute", "5/minute/second", "OFF"])
    def test_anything_else_is_no_limit(self, text: str) -> None:
        assert at_fault({"HEXKEY_RATE_LIMIT_SIGN_IN": text}) == ["HEXKEY_RATE_LIMIT_SIGN_IN"]

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
    def test_three_kinds_of_database_are_known(self, url: str, database: Database) -> None:
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
    def test_any_other_database_is_refused(self, url: str) -> None:
        assert at_fault({"HEXKEY_DATABASE_URL": url}) == ["HEXKEY_DATABASE_URL"]

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("https://Keys.Example.org:443/", "https://keys.example.org"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("http://localhost:80", "http://localhost"),
        ],
    )
    def test_a_public_url_is_kept_as_a_browser_writes_an_origin(self, given: str, kept: str) -> None:
        assert parse({"HEXKEY_PUBLIC_URL": given}).public_url == kept

    @pytest.mark.parametrize(
        "url",
        [
            "keys.example.org",
            "ftp://h",
            "https://h/path",
            "https://h?q",
            "https://u@h",
            "https://",
            "https://h:99999",
            "https://a_b c",
            "https://exämple.org",
            "https://[::1",
            "//h",
        ],
    )
    def test_a_public_url_is_an_origin_and_nothing_more(self, url: str) -> None:
        assert at_fault({"HEXKEY_PUBLIC_URL": url}) == ["HEXKEY_PUBLIC_URL"]

    def test_networks_are_exact_and_a_star_is_all_of_them(self) -> None:
        settings = parse({"HEXKEY_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7,*"})
        expected = ("10.0.0.0/8", "192.0.2.7/32", "0.0.0.0/0", "::/0")
        assert settings.trusted_proxies == tuple(map(ip_network, expected))
        assert at_fault({"HEXKEY_TRUSTED_PROXIES": "10.0.0.1/8"}) == ["HEXKEY_TRUSTED_PROXIES"]

    @pytest.mark.parametrize("hosts", ["h:8000", "https://h", "*.example.org", "a,,b", "[::1", "[::zz]", "-a"])
    def test_a_host_has_neither_scheme_nor_port_nor_pattern(self, hosts: str) -> None:
        assert at_fault({"HEXKEY_ALLOWED_HOSTS": hosts}) == ["HEXKEY_ALLOWED_HOSTS"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("HEXKEY_ENV", "prod"),
            ("HEXKEY_REGISTRATION", "Open"),
            ("HEXKEY_PASSWORD_GRANT", "true"),
            ("HEXKEY_PASSWORD_MIN_LENGTH", "fifteen"),
            ("HEXKEY_PASSWORD_MIN_LENGTH", "129"),
            ("HEXKEY_KEY_PREFIX", "H_K"),
            ("HEXKEY_KEY_PREFIX", "hk\n"),
            ("HEXKEY_REDIS_URL", "http://h"),
            ("HEXKEY_SMTP_URL", "smtp://"),
            ("HEXKEY_MAIL_FROM", "nobody"),
            ("HEXKEY_DOCS", "yes"),
            ("HEXKEY_LOG_LEVEL", "INFO"),
            ("HEXKEY_SECRETS", f"{STRONG},"),
            ("HEXKEY_METRICS_TOKEN", "a\x00b"),
            ("HEXKEY_METRICS_TOKEN", "\udcff"),
        ],
    )
    def test_each_value_keeps_its_rule(self, name: str, value: str) -> None:
        assert at_fault({name: value}) == [name]


class TestGroups:
    def test_a_provider_is_known_by_its_name_in_lower_case(self) -> None:
        given = {"ISSUER": "https://id.example.org/realms/a", "CLIENT_ID": "hexkey", "CLIENT_SECRET": "s3"}
        provider = parse({f"HEXKEY_OIDC__MY_IDP__{key}": value for key, value in given.items()}).oidc["my_idp"]
        assert provider.issuer == "https://id.example.org/realms/a"
        assert provider.scopes == ("openid", "email", "profile")
        assert provider.client_secret == Secret("s3")
        assert not provider.register_prompt

    def test_half_a_provider_is_refused(self) -> None:
        assert at_fault({"HEXKEY_OIDC__A__CLIENT_SECRET": "x"}) == [
            "HEXKEY_OIDC__A__CLIENT_ID",
            "HEXKEY_OIDC__A__ISSUER",
        ]

    def test_a_provider_has_no_other_members(self) -> None:
        whole = {"HEXKEY_OIDC__A__ISSUER": "https://i", "HEXKEY_OIDC__A__CLIENT_ID": "c"}
        assert at_fault({**whole, "HEXKEY_OIDC__A__CLIENT_SECRETS": "x"}) == ["HEXKEY_OIDC__A__CLIENT_SECRETS"]
        assert at_fault({**whole, "HEXKEY_OIDC__A__SCOPES": "email"}) == ["HEXKEY_OIDC__A__SCOPES"]

    def test_a_webhook_source_may_have_two_secrets(self, tmp_path: Path) -> None:
        file = tmp_path / "stripe"
        file.write_text("new\nold\n")
        given = parse({"HEXKEY_WEBHOOK_SECRET__GITHUB": "a,b", "HEXKEY_WEBHOOK_SECRET__STRIPE_FILE": str(file)})
        assert given.webhook_secrets == {"github": (Secret("a"), Secret("b")), "stripe": (Secret("new"), Secret("old"))}

    @pytest.mark.parametrize("name", ["HEXKEY_OIDC__", "HEXKEY_OIDC__a__ISSUER", "HEXKEY_WEBHOOK_SECRET__"])
    def test_a_group_without_a_name_is_unknown(self, name: str) -> None:
        assert at_fault({name: "x"}) == [name]


class TestRefusals:
    def test_an_unknown_name_is_refused_with_the_nearest_known_one(self) -> None:
        (problem,) = problems({"HEXKEY_REDIS_ULR": "redis://h"})
        assert str(problem) == "HEXKEY_REDIS_ULR is not a setting; did you mean HEXKEY_REDIS_URL?"

    def test_names_of_the_tests_and_of_others_are_not_ours(self) -> None:
        assert parse({"HEXKEY_TEST_POSTGRES": "x", "PATH": "/bin", "hexkey_env": "x"}) == parse({})

    def test_everything_wrong_and_unsafe_is_told_at_once(self) -> None:
        environ = {
            "HEXKEY_ENV": "production",
            "HEXKEY_DATABASE_URL": "memory://",
            "HEXKEY_ALLOWED_HOSTS": "*",
            "HEXKEY_CORS_ORIGINS": "*",
            "HEXKEY_TRUSTED_PROXIES": "::/0",
            "HEXKEY_OIDC__A__ISSUER": "http://localhost:9000",
            "HEXKEY_OIDC__A__CLIENT_ID": "c",
            "HEXKEY_SMTP_URL": "smtp://mail.example.org",
            "HEXKEY_REDIS_URL": "redis://cache:6379",
            "HEXKEY_RATE_LIMIT_DEFAULT": "off",
            "HEXKEY_RATE_LIMIT_ANONYMOUS": "off",
            "HEXKEY_RATE_LIMIT_SIGN_IN": "off",
            "HEXKEY_PASSWORD_MIN_LENGTH": "14",
            "HEXKEY_ACCESS_TOKEN_TTL": "soon",
            "HEXKEY_NONSENSE": "x",
        }
        harmless = {"HEXKEY_ENV", "HEXKEY_OIDC__A__CLIENT_ID"}
        assert at_fault(environ) == sorted({*environ, "HEXKEY_SECRETS", "HEXKEY_PUBLIC_URL"} - harmless)

    def test_development_only_warns_of_what_production_refuses(self) -> None:
        unsafe = {"HEXKEY_DATABASE_URL": "memory://", "HEXKEY_RATE_LIMIT_DEFAULT": "off", "HEXKEY_ALLOWED_HOSTS": "*"}
        warned = {problem.variable for problem in parse(unsafe).warnings}
        assert warned == {*unsafe, "HEXKEY_SECRETS", "HEXKEY_PUBLIC_URL"}

    def test_a_malformed_value_is_not_also_called_unsafe(self) -> None:
        assert at_fault({**PRODUCTION, "HEXKEY_PUBLIC_URL": "nonsense"}) == ["HEXKEY_PUBLIC_URL"]

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://u:p@127.0.0.1/x",
            "postgresql://[::1]/x",
            "postgresql://localhost/x",
            "postgresql:///x?host=/run",
            "postgresql://%2Frun%2Fpostgresql/x",
            "postgresql://db/x?sslmode=require",
            "sqlite:///x.db",
        ],
    )
    def test_a_database_that_nobody_can_listen_to_serves_production(self, url: str) -> None:
        assert parse({**PRODUCTION, "HEXKEY_DATABASE_URL": url}).env == "production"

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://10.0.0.7/x",
            "postgresql://db/x?sslmode=prefer",
            "postgresql:///x?host=db.example.org",
            "postgresql://localhost.example.org/x",
            "postgresql://db/x?sslmode=require&sslmode=disable",
        ],
    )
    def test_a_database_across_a_network_needs_tls(self, url: str) -> None:
        assert at_fault({**PRODUCTION, "HEXKEY_DATABASE_URL": url}) == ["HEXKEY_DATABASE_URL"]

    @pytest.mark.parametrize(
        "weak",
        [
            "short",
            "x" * 64,
            "aB3$eF6&" * 5,
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "please-change-me-to-something-longer-9f",
            "an-Example-of-a-root-SECRET-with-much-length",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "ÄÖÜ" * 5,
        ],
    )
    def test_a_weak_root_secret_is_refused_in_production_wherever_it_stands(self, weak: str) -> None:
        assert set(at_fault({**PRODUCTION, "HEXKEY_SECRETS": f"{STRONG},{weak}"})) == {"HEXKEY_SECRETS"}

    def test_a_repeated_root_secret_is_refused(self) -> None:
        assert at_fault({**PRODUCTION, "HEXKEY_SECRETS": f"{STRONG},{made_secret()},{STRONG}"}) == ["HEXKEY_SECRETS"]

    @pytest.mark.parametrize("make", [made_secret, lambda: secrets.token_hex(16), lambda: secrets.token_hex(32)])
    def test_random_root_secrets_are_not_called_weak(self, make: Callable[[], str]) -> None:
        for _ in range(300):
            assert parse({**PRODUCTION, "HEXKEY_SECRETS": make()}).warnings == ()


class TestFiles:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "root"
        path.write_text(f"{STRONG}\n")
        path.chmod(0o600)
        return path

    def from_file(self, file: Path) -> dict[str, str]:
        others = {name: value for name, value in PRODUCTION.items() if name != "HEXKEY_SECRETS"}
        return {**others, "HEXKEY_SECRETS_FILE": str(file)}

    def test_a_secret_may_come_from_a_file_of_its_owner(self, file: Path) -> None:
        assert parse(self.from_file(file)).secrets == (Secret(STRONG),)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
    def test_a_file_that_others_can_read_is_refused_in_production_and_warned_of_before(
        self, file: Path, mode: int
    ) -> None:
        file.chmod(mode)
        assert at_fault(self.from_file(file)) == ["HEXKEY_SECRETS_FILE"]
        warned = [problem.variable for problem in parse({"HEXKEY_SECRETS_FILE": str(file)}).warnings]
        assert "HEXKEY_SECRETS_FILE" in warned

    def test_a_file_beside_the_variable_is_refused(self, file: Path) -> None:
        assert at_fault({**self.from_file(file), "HEXKEY_SECRETS": STRONG}) == ["HEXKEY_SECRETS_FILE"]

    def test_a_file_that_is_missing_empty_binary_or_a_directory_is_refused(self, file: Path) -> None:
        assert at_fault(self.from_file(file.with_name("absent"))) == ["HEXKEY_SECRETS_FILE"]
        assert at_fault(self.from_file(file.parent)) == ["HEXKEY_SECRETS_FILE"]
        file.write_bytes(b"\xff" * 40)
        assert at_fault(self.from_file(file)) == ["HEXKEY_SECRETS_FILE"]
        file.write_text("\n")
        assert at_fault(self.from_file(file)) == ["HEXKEY_SECRETS"]

    @pytest.mark.parametrize(
        "name",
        [
            "DATABASE_URL",
            "REDIS_URL",
            "ADMIN_PASSWORD",
            "SMTP_URL",
            "METRICS_TOKEN",
            "OIDC__A__CLIENT_SECRET",
            "WEBHOOK_SECRET__GITHUB",
        ],
    )
    def test_every_secret_setting_knows_its_file(self, name: str, tmp_path: Path) -> None:
        missing = f"HEXKEY_{name}_FILE"
        assert missing in at_fault({missing: str(tmp_path / "absent")})

    def test_what_is_no_secret_has_no_file(self, file: Path) -> None:
        assert at_fault({"HEXKEY_PUBLIC_URL_FILE": str(file)}) == ["HEXKEY_PUBLIC_URL_FILE"]


class TestSecrecy:
    def test_no_value_of_a_secret_setting_is_shown(self) -> None:
        canary = "Canary7f3a9c5e1b"
        settings = parse(
            {
                "HEXKEY_SECRETS": canary,
                "HEXKEY_DATABASE_URL": f"postgresql://u:{canary}@h/d",
                "HEXKEY_REDIS_URL": f"redis://:{canary}@h",
                "HEXKEY_SMTP_URL": f"smtp://u:{canary}@h",
                "HEXKEY_ADMIN_PASSWORD": canary,
                "HEXKEY_METRICS_TOKEN": canary,
                "HEXKEY_WEBHOOK_SECRET__A": canary,
                "HEXKEY_OIDC__A__ISSUER": "https://i",
                "HEXKEY_OIDC__A__CLIENT_ID": "c",
                "HEXKEY_OIDC__A__CLIENT_SECRET": canary,
            }
        )
        assert canary not in f"{settings!r} {settings}"
        with pytest.raises(TypeError):
            msgspec.json.encode(settings.secrets)

    @pytest.mark.parametrize("field", [name for name in Settings.__struct_fields__ if name != "warnings"])
    def test_no_refusal_repeats_what_was_given(self, field: str) -> None:
        canary = "\x01Canary7f3a9c5e1b ://"
        names = {"database": "database_url", "oidc": "oidc__a__issuer", "webhook_secrets": "webhook_secret__a"}
        given = {f"HEXKEY_{names.get(field, field).upper()}": canary}
        assert "Canary7f3a9c5e1b" not in "".join(map(str, problems(given)))


class TestTheSecretOfDevelopment:
    def test_it_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        first = load({"HEXKEY_DATA_DIR": str(data)})
        assert load({"HEXKEY_DATA_DIR": str(data)}).secrets == first.secrets
        assert stat.S_IMODE((data / "secrets").stat().st_mode) == 0o600
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert [path.name for path in data.iterdir()] == ["secrets"]

    def test_reading_the_settings_writes_nothing(self, tmp_path: Path) -> None:
        assert parse({"HEXKEY_DATA_DIR": str(tmp_path / "data")}).secrets == ()
        assert list(tmp_path.iterdir()) == []

    def test_it_is_never_made_where_one_is_given_or_in_production(self, tmp_path: Path) -> None:
        data = {"HEXKEY_DATA_DIR": str(tmp_path / "data")}
        load({**data, "HEXKEY_SECRETS": STRONG})
        with pytest.raises(SettingsError):
            load({**PRODUCTION, **data, "HEXKEY_SECRETS": ""})
        assert list(tmp_path.iterdir()) == []

    def test_all_who_come_first_at_once_get_the_same(self, tmp_path: Path) -> None:
        together = Barrier(16)

        def come(_: int) -> tuple[Secret, ...]:
            together.wait()
            return development_secrets(tmp_path / "data")

        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(come, range(16)))) == 1

    def test_a_spoilt_file_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "secrets").write_text("short\n")
        with pytest.raises(SettingsError, match="HEXKEY_DATA_DIR"):
            development_secrets(tmp_path)
        assert (tmp_path / "secrets").read_text() == "short\n"

    def test_a_directory_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SettingsError, match="HEXKEY_DATA_DIR"):
            development_secrets(tmp_path / "file" / "data")
