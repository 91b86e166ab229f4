"""Registering: who may, under which names, and the mail that goes out."""

import time
from dataclasses import replace

import httpx
import pytest

from domain.model.passwords import PasswordPolicy
from domain.services.registration import Registration
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import PASSWORD, Service, pointers, refusal

ADA = "ada@example.org"


async def registered(service: Service, **members: object) -> httpx.Response:
    return await service.anyone.post("/v1/auth/register", **{"email": ADA, "password": PASSWORD, **members})


async def test_a_link_that_verifies_the_address_goes_there_once(service: Service) -> None:
    assert (await registered(service)).status_code == 201
    (mail,) = await service.deliver()
    assert (mail.to, mail.subject) == (ADA, "Confirm your address for 127.0.0.1:8000")
    assert "http://127.0.0.1:8000/verify-email?token=hko_" in mail.text
    assert await service.deliver() == []


async def test_who_is_refused_is_sent_nothing_and_leaves_nothing(service: Service) -> None:
    await service.user(ADA, username="ada")
    await service.deliver()
    for members in ({}, {"email": "b@example.org", "username": "ada"}, {"email": "c@example.org", "password": "short"}):
        assert (await registered(service, **members)).status_code in {409, 422}
    assert await service.deliver() == []
    assert [event.action for event in await service.events()].count("user.registered") == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@example.org", "ADA@EXAMPLE.ORG"),
        ("ada@example.org", " ada@example.org\n"),
        ("ada@example.org", "\uff41\uff44\uff41\uff20example\uff0eorg"),
        ("ada+keys@example.org", "ada\uff0bkeys@example.org"),
        ("ada+keys@example.org", "ada\ufe62keys@example.org"),
        ("strasse@example.org", "stra\u00dfe@example.org"),
        ("strasse@example.org", "STRA\u1e9eE@example.org"),
        ("\u00e9ve@example.org", "e\u0301ve@example.org"),
        ("k@example.org", "\u212a@example.org"),
        ("s@example.org", "\u017f@example.org"),
        ("\u03c3@example.org", "\u03c2@example.org"),
        ("office@example.org", "o\ufb03ce@example.org"),
    ],
    ids=ascii,
)
async def test_two_spellings_of_an_address_are_one(service: Service, first: str, second: str) -> None:
    assert (await registered(service, email=first)).status_code == 201
    assert refusal(await registered(service, email=second)) == (409, "email_taken")
    form = {"grant_type": "password", "username": second, "password": PASSWORD}
    assert (await service.anyone.token(**form)).status_code == 200


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@mail.example.org", "ada@mail.example\u3002org"),
        ("ada@mail.example.org", "ada@mail.example\uff61org"),
        ("ada@ex\u00e4mple.org", "ada@xn--exmple-cua.org"),
        ("ada@ex\u00e4mple.org", "ada@XN--EXMPLE-CUA.ORG"),
        ("ada@ex\u00e4mple.org", "ada@ex\u00e4m\ufe0fple.org"),
        ("ada@example.org", "ada@exam\ufe0fple.org"),
        ("ada@example.org", "ada@exam\u034fple.org"),
    ],
    ids=ascii,
)
async def test_two_spellings_of_a_domain_are_one_where_mail_goes_to_one_host(
    service: Service, first: str, second: str
) -> None:
    assert (await registered(service, email=first)).status_code == 201
    assert refusal(await registered(service, email=second)) == (409, "email_taken")


@pytest.mark.parametrize(
    "other",
    ["\u0131da@example.org", "id\u0430@example.org", "\u0130da@example.org", "i\u0307da@example.org"],
    ids=ascii,
)
async def test_what_only_looks_alike_is_another_address(service: Service, other: str) -> None:
    assert (await registered(service, email="ida@example.org")).status_code == 201
    answer = await registered(service, email=other)
    assert answer.status_code == 201, answer.text
    assert answer.json()["email"] != "ida@example.org"
    assert {mail.to for mail in await service.deliver()} == {"ida@example.org", answer.json()["email"]}


@pytest.mark.parametrize(
    "email",
    [
        "ada\u202e@example.org",
        "\u2066ada@example.org",
        "ada\u200d@example.org",
        "ada@exam\u00adple.org",
        "ada@example.org\u2028x",
        "ada@xn--\u00e4.org",
        "ada@xn--a.org",
        "ada@xn--0.org",
        "ada@a\u2024b",
        "ada@\u3002\u3002.org",
        "a" * 65 + "@example.org",
        "\ufdfa" * 100 + "@example.org",
        "0192-squat@address-taken.invalid",
        "0192-SQUAT@Address-Taken.Invalid",
    ],
    ids=ascii,
)
async def test_what_is_no_address_is_not_registered(service: Service, email: str) -> None:
    assert pointers(await registered(service, email=email)) == ["/email"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("ADA", "ada"), ("\uff21\uff24\uff21", "ada"), ("\u212ate", "kte"), ("a\uff0db", "a-b"), ("o\ufb03ce", "office")],
    ids=ascii,
)
async def test_a_user_name_is_one_in_every_spelling(service: Service, name: str, kept: str) -> None:
    assert (await registered(service, username=name)).json()["username"] == kept
    again = await registered(service, email="b@example.org", username=kept.upper())
    assert refusal(again) == (409, "username_taken")


@pytest.mark.parametrize(
    "name",
    [
        "\u0131da",
        "ad\u0430",
        "stra\u00dfe\u00e9",
        "a\u0301da",
        "ada\u202e",
        "a\u200bda",
        "ada@example.org",
        "ada\n",
        " ada",
    ],
    ids=ascii,
)
async def test_a_user_name_that_only_looks_like_one_is_refused(service: Service, name: str) -> None:
    assert pointers(await registered(service, username=name)) == ["/username"]


async def test_a_user_name_is_no_address_and_an_address_no_user_name(service: Service) -> None:
    """An account is found by one of them, so nobody hides behind the other's spelling."""
    await service.user("ada@example.org", username="example.org")
    assert pointers(await registered(service, email="b@example.org", username="ada@example.org")) == ["/username"]
    assert pointers(await registered(service, email="example.org")) == ["/email"]


@pytest.mark.parametrize("member", ["email", "username", "name", "password"])
@pytest.mark.parametrize("text", ["\u0041\u030a" * 50_000, "\ufdfa" * 100_000, "a\u0301\u0323" * 30_000], ids=ascii)
async def test_a_text_of_a_hundred_thousand_code_points_costs_nothing(service: Service, member: str, text: str) -> None:
    began = time.process_time()
    assert pointers(await registered(service, **{member: text})) == [f"/{member}"]
    assert time.process_time() - began < 0.25


async def test_ten_megabytes_are_not_even_read(service: Service) -> None:
    began = time.process_time()
    assert refusal(await registered(service, name="a" * 10_000_000)) == (413, "body_too_large")
    assert time.process_time() - began < 1


class TestPasswords:
    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("Summer of sixty nine", "is not one that many people have"),
            ("summer of sixty nine!!2024", "is not one that many people have"),
            ("hexkey hexkey 2024!", "is not one that many people have"),
            ("ababababababababab", "does not repeat or count"),
            ("4567890123456789", "does not repeat or count"),
            ("ada.lovelace-1815", "is not made of your own name or address"),
            ("countess9-2024!!", "is not made of your own name or address"),
            ("The Right Honourable", "is not made of your own name or address"),
            ("short", "has at least 15 characters"),
            ("x" * 129, "has at most 128 characters and 512 bytes"),
            ("\U0001f434" * 127 + "aaaaa", "has at most 128 characters and 512 bytes"),
            ("a bell\x07 in a password", "has no control characters"),
        ],
        ids=ascii,
    )
    async def test_one_that_is_refused_is_told_why(self, password: str, reason: str) -> None:
        policy = PasswordPolicy(common=frozenset({"summer of sixty nine"}))
        service = Service(memory_ports(rules=replace(NO_LIMITS, passwords=policy)))
        answer = await registered(
            service,
            email="ada.lovelace@example.org",
            username="countess9",
            name="The Right Honourable",
            password=password,
        )
        assert pointers(answer) == ["/password"]
        assert answer.json()["errors"][0]["detail"] == reason
        assert password not in answer.text or password == "short"


class TestWhoMay:
    @pytest.mark.parametrize("how", Registration)
    async def test_the_setting_decides(self, how: Registration) -> None:
        service = Service(memory_ports(rules=replace(NO_LIMITS, registration=how)))
        answer = await registered(service)
        if how is Registration.OPEN:
            assert answer.status_code == 201
        else:
            assert refusal(answer) == (403, "registration_closed")
            assert await service.deliver() == []

    @pytest.mark.parametrize("invitation", ["", "nonsense", "hko_" + "0" * 49, "x" * 100_000], ids=len)
    async def test_a_made_up_invitation_opens_nothing_and_tells_nothing(self, invitation: str) -> None:
        invite = Service(memory_ports(rules=replace(NO_LIMITS, registration=Registration.INVITE)))
        admin = await invite.admin()
        answers = [await registered(invite, email=email, invitation=invitation) for email in (ADA, admin.email)]
        assert [pointers(answer) for answer in answers] == [["/invitation"], ["/invitation"]]
        closed = Service(memory_ports(rules=replace(NO_LIMITS, registration=Registration.CLOSED)))
        assert refusal(await registered(closed, invitation=invitation)) == (403, "registration_closed")
