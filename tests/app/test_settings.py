import secrets
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from threading import Barrier

import msgspec
import pytest

from app.settings import (
    Database,
    Problem,
    Secret,
    Settings,
    SettingsError,
    development_secrets,
    load,
    made_secret,
    parse,
)
from domain.model.limits import Policy

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
        assert settings.rate_limit_default == Policy(600, 60)
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
            ("90s", timedelta(seconds=90)),
            ("60000ms", timedelta(minutes=1)),
            ("5m", timedelta(minutes=5)),
            ("36h", timedelta(hours=36)),
            ("365d", timedelta(days=365)),
        ],
    )
    def test_a_duration_has_a_number_and_a_unit(self, text: str, length: timedelta) -> None:
        assert parse({"HEXKEY_SESSION_IDLE": text}).session_idle == length

    @pytest.mark.parametrize(
        "text", ["", "10", "010s", "1.5h", "-1s", "1 s", "s", "1w", "1000000000s", "0m", "\u0661s"]
    )
    def test_anything_else_is_no_duration(self, text: str) -> None:
        assert at_fault({"HEXKEY_SESSION_IDLE": text}) == ["HEXKEY_SESSION_IDLE"]

    @pytest.mark.parametrize(
        ("name", "shortest", "longest", "beyond"),
        [
            ("ACCESS_TOKEN_TTL", "1s", "1d", ("999ms", "25h", "2d")),
            ("REFRESH_IDLE", "1s", "3650d", ("999ms", "3651d")),
            ("REFRESH_ABSOLUTE", "1s", "3650d", ("999ms", "999999999d")),
            ("REFRESH_RETRY_WINDOW", "0s", "5m", ("301s", "999999999d")),
            ("SESSION_IDLE", "1s", "365d", ("1ms", "366d")),
            ("SESSION_ABSOLUTE", "1s", "365d", ("0s", "366d")),
            ("MAX_STALENESS", "200ms", "60s", ("199ms", "2m", "999999999d")),
            ("KEY_MAX_LIFETIME", "1s", "36500d", ("0s", "36501d", "999999999d")),
        ],
    )
    def test_a_duration_that_no_request_could_live_with_is_refused_with_its_range(
        self, name: str, shortest: str, longest: str, beyond: tuple[str, ...]
    ) -> None:
        for text in (shortest, longest):
            assert parse({f"HEXKEY_{name}": text})
        for text in beyond:
            (problem,) = problems({f"HEXKEY_{name}": text})
            assert str(problem) == f"HEXKEY_{name} is not a duration in its range; write {shortest} to {longest}"

    def test_a_limit_may_be_off(self) -> None:
        settings = parse({"HEXKEY_RATE_LIMIT_DEFAULT": "off", "HEXKEY_RATE_LIMIT_ANONYMOUS": "5/day"})
        assert settings.rate_limit_default is None
        assert settings.rate_limit_anonymous == Policy(5, 86400)

    @pytest.mark.parametrize("text", ["0/minute", "5", "5/week", "5/60", "-5/minute", "5/minute/second", "OFF"])
    def test_anything_else_is_no_limit(self, text: str) -> None:
        assert at_fault({"HEXKEY_RATE_LIMIT_SIGN_IN": text}) == ["HEXKEY_RATE_LIMIT_SIGN_IN"]

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
            ("HEXKEY_REDIS_URL", "redis://"),
            ("HEXKEY_REDIS_URL", "redis://:6379"),
            ("HEXKEY_REDIS_URL", "redis://ada@h"),
            ("HEXKEY_REDIS_URL", "redis://ada:p@ss@h"),
            ("HEXKEY_REDIS_URL", "redis://:word@h#1"),
            ("HEXKEY_REDIS_URL", "redis://h/first"),
            ("HEXKEY_REDIS_URL", "redis://h?db=first"),
            ("HEXKEY_REDIS_URL", "redis://h?db"),
            ("HEXKEY_REDIS_URL", "redis://h?socket_timeout=60"),
            ("HEXKEY_REDIS_URL", "redis://h?ssl_ca_certs=/dev/null"),
            ("HEXKEY_REDIS_URL", "rediss://h?ssl_cert_reqs=none"),
            ("HEXKEY_REDIS_URL", "rediss://h?ssl_ca_certs=/no/such/file"),
            ("HEXKEY_REDIS_URL", "unix://"),
            ("HEXKEY_REDIS_URL", "unix://run/redis.sock"),
            ("HEXKEY_SMTP_URL", "smtp://"),
            ("HEXKEY_SMTP_URL", "smtp://:587"),
            ("HEXKEY_SMTP_URL", "smtp://ada@h"),
            ("HEXKEY_SMTP_URL", "smtp://:word@h"),
            ("HEXKEY_SMTP_URL", "smtp://ada:p@ss@h"),
            ("HEXKEY_SMTP_URL", "smtp://ada:465#word@h"),
            ("HEXKEY_SMTP_URL", "smtp://h/path"),
            ("HEXKEY_SMTP_URL", "smtp://h?verify=off"),
            ("HEXKEY_SMTP_URL", "smtp://*"),
            ("HEXKEY_MAIL_FROM", "nobody"),
            ("HEXKEY_MAIL_FROM", "a@example.org, b@example.org"),
            ("HEXKEY_MAIL_FROM", "Keys, Inc. <keys@example.org>"),
            ("HEXKEY_MAIL_FROM", "Keys\nBcc: b@example.org <keys@example.org>"),
            ("HEXKEY_MAIL_FROM", "keys@example.org\nBcc: b@example.org"),
            ("HEXKEY_MAIL_FROM", "Keys <keys@example.org> and more"),
            ("HEXKEY_MAIL_FROM", "keys@example..org"),
            ("HEXKEY_MAIL_FROM", "schlüssel@example.org"),
            ("HEXKEY_MAIL_FROM", f"Keys <keys@{'x' * 64}.org>"),
            ("HEXKEY_DOCS", "yes"),
            ("HEXKEY_LOG_LEVEL", "INFO"),
            ("HEXKEY_SECRETS", f"{STRONG},"),
            ("HEXKEY_METRICS_TOKEN", "a\x00b"),
            ("HEXKEY_METRICS_TOKEN", "\udcff"),
        ],
        ids=count(),
    )
    def test_each_value_keeps_its_rule(self, name: str, value: str) -> None:
        assert at_fault({name: value}) == [name]

    @pytest.mark.parametrize(
        "url",
        [
            "redis://h",
            "redis://h:6379/",
            "redis://ada:p%40ss@[::1]:6379/15",
            "redis://:word@h?db=3",
            f"rediss://h?ssl_ca_certs={__file__}",
            "unix:///run/redis.sock?db=3",
            "unix://ada:word@/run/redis.sock",
        ],
    )
    def test_a_redis_has_a_password_beside_every_user_and_a_number_for_a_database(self, url: str) -> None:
        settings = parse({"HEXKEY_REDIS_URL": url})
        assert settings.redis_url == Secret(url)

    @pytest.mark.parametrize(
        "sender",
        ["keys@example.org", "Keys <keys@example.org>", '"Keys, Inc." <keys@example.org>', "Schlüssel Inc. <k@ex.org>"],
    )
    def test_mail_may_be_from_an_address_with_a_name_or_without(self, sender: str) -> None:
        assert parse({"HEXKEY_MAIL_FROM": sender}).mail_from == sender

    @pytest.mark.parametrize("url", ["smtp://h", "smtps://ada:p%40ss@mail.example.org:465/", "smtp://[::1]:25"])
    def test_a_mail_server_has_a_host_and_maybe_a_port_and_credentials(self, url: str) -> None:
        assert parse({"HEXKEY_SMTP_URL": url, "HEXKEY_MAIL_FROM": "keys@example.org"}).smtp_url == Secret(url)


class TestGroups:
    def test_a_provider_is_known_by_its_name_in_lower_case(self) -> None:
        given = {"ISSUER": "https://id.example.org/realms/a", "CLIENT_ID": "hexkey", "CLIENT_SECRET": "s3"}
        provider = parse({f"HEXKEY_OIDC__MY_IDP__{key}": value for key, value in given.items()}).oidc["my_idp"]
        assert provider.issuer == "https://id.example.org/realms/a"
        assert provider.scopes == ("openid", "email", "profile")
        assert provider.client_secret == Secret("s3")
        assert not provider.register_prompt

    def test_an_issuer_has_a_bound(self) -> None:
        client = {"HEXKEY_OIDC__A__CLIENT_ID": "c"}
        assert parse({**client, "HEXKEY_OIDC__A__ISSUER": "https://i/".ljust(512, "a")}).oidc["a"]
        assert at_fault({**client, "HEXKEY_OIDC__A__ISSUER": "https://i/".ljust(513, "a")}) == [
            "HEXKEY_OIDC__A__ISSUER"
        ]

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

    @pytest.mark.parametrize("bad", ["whsec_", "whsec_%%%", "whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"])
    def test_what_is_no_key_of_standard_webhooks_is_refused(self, bad: str) -> None:
        good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        assert parse({"HEXKEY_WEBHOOK_SECRET__SHOP": good}).webhook_secrets == {"shop": (Secret(good),)}
        assert at_fault({"HEXKEY_WEBHOOK_SECRET__SHOP": f"{good},{bad}"}) == ["HEXKEY_WEBHOOK_SECRET__SHOP"]

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
            "HEXKEY_ACCESS_TOKEN_TTL": "16m",
            "HEXKEY_REFRESH_IDLE": "soon",
            "HEXKEY_NONSENSE": "x",
        }
        harmless = {"HEXKEY_ENV", "HEXKEY_OIDC__A__CLIENT_ID"}
        assert at_fault(environ) == sorted(
            {*environ, "HEXKEY_SECRETS", "HEXKEY_PUBLIC_URL", "HEXKEY_MAIL_FROM"} - harmless
        )

    def test_development_only_warns_of_what_production_refuses(self) -> None:
        unsafe = {"HEXKEY_DATABASE_URL": "memory://", "HEXKEY_RATE_LIMIT_DEFAULT": "off", "HEXKEY_ALLOWED_HOSTS": "*"}
        warned = {problem.variable for problem in parse(unsafe).warnings}
        assert warned == {*unsafe, "HEXKEY_SECRETS", "HEXKEY_PUBLIC_URL"}

    def test_a_malformed_value_is_not_also_called_unsafe(self) -> None:
        assert at_fault({**PRODUCTION, "HEXKEY_PUBLIC_URL": "nonsense"}) == ["HEXKEY_PUBLIC_URL"]

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

    @pytest.mark.parametrize("environ", [{}, PRODUCTION], ids=["development", "production"])
    def test_a_repeated_or_empty_root_secret_is_refused_everywhere(self, environ: dict[str, str]) -> None:
        for repeated in (f"{STRONG},{made_secret()},{STRONG}", "s,s", "weak, weak"):
            (problem,) = problems({**environ, "HEXKEY_SECRETS": repeated})
            assert (problem.variable, problem.rule) == ("HEXKEY_SECRETS", "holds a secret twice")
        for empty in ("", " ", ",", f"{STRONG},", f"{STRONG},,{made_secret()}"):
            assert at_fault({**environ, "HEXKEY_SECRETS": empty}) == ["HEXKEY_SECRETS"]

    @pytest.mark.parametrize("make", [made_secret, lambda: secrets.token_hex(16), lambda: secrets.token_hex(32)])
    def test_random_root_secrets_are_not_called_weak(self, make: Callable[[], str]) -> None:
        for _ in range(300):
            assert parse({**PRODUCTION, "HEXKEY_SECRETS": make()}).warnings == ()


class TestMail:
    def test_a_server_without_a_sender_is_refused_and_the_sender_named(self) -> None:
        (problem,) = problems({"HEXKEY_SMTP_URL": "smtps://mail.example.org"})
        assert str(problem) == ("HEXKEY_MAIL_FROM is missing beside HEXKEY_SMTP_URL; write who the mail is from")

    def test_a_sender_that_is_refused_is_not_also_called_missing(self) -> None:
        (problem,) = problems({"HEXKEY_SMTP_URL": "smtps://mail.example.org", "HEXKEY_MAIL_FROM": "nobody"})
        assert problem.rule == "is not a mail address"

    def test_a_sender_may_wait_for_its_server(self) -> None:
        assert parse({"HEXKEY_MAIL_FROM": "keys@example.org"}).smtp_url is None


class TestTheFirstAdmin:
    EMAIL, PASSWORD = "ada@example.org", "correct horse battery staple"

    def refusal(self, **environ: str) -> str:
        (problem,) = problems({f"HEXKEY_{name}": value for name, value in environ.items()})
        return str(problem)

    def test_an_address_and_a_password_make_one(self) -> None:
        settings = parse({"HEXKEY_ADMIN_EMAIL": self.EMAIL, "HEXKEY_ADMIN_PASSWORD": self.PASSWORD})
        assert (settings.admin_email, settings.admin_password) == (self.EMAIL, Secret(self.PASSWORD))

    def test_one_without_the_other_is_refused_and_the_missing_one_named(self) -> None:
        assert self.refusal(ADMIN_EMAIL=self.EMAIL).startswith("HEXKEY_ADMIN_PASSWORD is missing")
        assert self.refusal(ADMIN_PASSWORD=self.PASSWORD).startswith("HEXKEY_ADMIN_EMAIL is missing")

    def test_one_that_is_refused_is_not_also_called_missing(self) -> None:
        wrong = {"HEXKEY_ADMIN_EMAIL": "nobody", "HEXKEY_ADMIN_PASSWORD": self.PASSWORD}
        assert at_fault(wrong) == ["HEXKEY_ADMIN_EMAIL"]
        absent = {"HEXKEY_ADMIN_EMAIL": self.EMAIL, "HEXKEY_ADMIN_PASSWORD_FILE": "/nowhere"}
        assert at_fault(absent) == ["HEXKEY_ADMIN_PASSWORD_FILE"]

    @pytest.mark.parametrize("email", ["Ada <ada@example.org>", "ada@localhost", "a,b@example.org"])
    def test_the_address_is_one_that_a_user_may_have(self, email: str) -> None:
        assert self.refusal(ADMIN_EMAIL=email, ADMIN_PASSWORD=self.PASSWORD).startswith("HEXKEY_ADMIN_EMAIL is not")

    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("short", "has at least 15 characters"),
            ("abababababababab", "does not repeat or count"),
            ("ada@example.org", "is not made of your own name or address"),
            ("x" * 129, "has at most 128 characters"),
        ],
    )
    def test_the_password_is_one_that_a_user_may_have(self, password: str, reason: str) -> None:
        refusal = self.refusal(ADMIN_EMAIL=self.EMAIL, ADMIN_PASSWORD=password)
        assert refusal.startswith(f"HEXKEY_ADMIN_PASSWORD is not accepted as a password; choose one that {reason}")
        assert password not in refusal.removeprefix("HEXKEY_ADMIN_PASSWORD")

    def test_the_minimum_length_is_the_one_that_is_set(self) -> None:
        admin = {"HEXKEY_ADMIN_EMAIL": self.EMAIL, "HEXKEY_ADMIN_PASSWORD": self.PASSWORD}
        assert at_fault({**admin, "HEXKEY_PASSWORD_MIN_LENGTH": "40"}) == ["HEXKEY_ADMIN_PASSWORD"]
        assert parse({**admin, "HEXKEY_ADMIN_PASSWORD": "tenletters", "HEXKEY_PASSWORD_MIN_LENGTH": "10"})


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
                "HEXKEY_MAIL_FROM": "keys@example.org",
                "HEXKEY_ADMIN_EMAIL": "a@example.org",
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

    @pytest.mark.parametrize("spoilt", ["", "short\n", f"{STRONG}\n{STRONG}\n"], ids=["empty", "short", "repeated"])
    def test_a_spoilt_file_is_refused_and_left_alone(self, spoilt: str, tmp_path: Path) -> None:
        (tmp_path / "secrets").write_text(spoilt)
        with pytest.raises(SettingsError, match="HEXKEY_DATA_DIR"):
            development_secrets(tmp_path)
        assert (tmp_path / "secrets").read_text() == spoilt

    def test_a_directory_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SettingsError, match="HEXKEY_DATA_DIR"):
            development_secrets(tmp_path / "file" / "data")


@pytest.mark.parametrize(("said", "workers"), [({}, 1), ("4", 4), ("0", 1), ("", 1), ("many", 1), ("-2", 1)])
def test_how_many_workers_there_are_is_said_as_servers_share_it(
    tmp_path: Path, said: str | dict[str, str], workers: int
) -> None:
    given = said if isinstance(said, dict) else {"WEB_CONCURRENCY": said}
    assert load({"HEXKEY_DATA_DIR": str(tmp_path), **given}).workers == workers
