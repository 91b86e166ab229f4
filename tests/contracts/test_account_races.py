"""Many people at once at one mailed link, one address, one password: one of them has it, on every storage."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable

import httpx
import pytest

from tests.support.databases import Storage
from tests.support.ports import ports_over
from tests.support.service import PASSWORD, Person, Service

ADA, GUEST = "ada@example.org", "guest@example.org"
OTHER = "a different horse altogether"


@pytest.fixture
def service(storage: Storage) -> Service:
    return Service(ports_over(storage))


async def statuses(asked: Iterable[Awaitable[httpx.Response]]) -> Counter[int]:
    answers = await asyncio.gather(*asked)
    return Counter(answer.status_code for answer in answers)


def register(service: Service, **members: object) -> Awaitable[httpx.Response]:
    return service.anyone.post("/v1/auth/register", **{"email": GUEST, "password": PASSWORD, **members})


def verify(service: Service, token: str) -> Awaitable[httpx.Response]:
    return service.anyone.post("/v1/auth/email/verify", token=token)


async def test_one_registers_an_address(service: Service) -> None:
    assert await statuses(register(service) for _ in range(10)) == {201: 1, 409: 9}
    assert [mail.to for mail in await service.deliver()] == [GUEST]


async def test_a_reset_link_sets_one_password(service: Service) -> None:
    await service.user(ADA)
    await service.anyone.post("/v1/auth/password/forgot", email=ADA)
    token = await service.mailed_token(ADA)

    passwords = [f"{OTHER} {number}" for number in range(20)]
    answers = await asyncio.gather(
        *(service.anyone.post("/v1/auth/password/reset", token=token, password=word) for word in passwords)
    )

    assert Counter(answer.status_code for answer in answers) == {204: 1, 422: 19}
    (chosen,) = [word for word, answer in zip(passwords, answers, strict=True) if answer.status_code == 204]
    assert await service.sign_in(ADA, chosen)
    assert [mail.to for mail in await service.deliver()] == [ADA]


async def test_a_link_verifies_once(service: Service) -> None:
    await service.user(ADA)
    token = await service.mailed_token(ADA)
    assert await statuses(verify(service, token) for _ in range(20)) == {204: 1, 422: 19}


async def test_an_invitation_makes_one_account(service: Service) -> None:
    admin = await service.admin()
    await admin.post("/v1/invitations", email=GUEST)
    token = await service.mailed_token(GUEST)

    asked = (register(service, invitation=token, username=f"guest{number}") for number in range(10))
    assert await statuses(asked) == {201: 1, 422: 9}
    events = [event.action for event in await service.events()]
    assert events.count("user.registered") == 1


async def test_of_two_who_move_to_an_address_one_has_it(service: Service) -> None:
    for turn in range(5):
        wanted = f"wanted{turn}@example.org"
        tokens = [await moving(service, await service.user(), wanted) for _ in range(2)]
        seen = await statuses(verify(service, token) for token in tokens)
        assert seen == {204: 1, 409: 1}


async def test_an_address_is_its_squatters_or_the_guests_and_never_both(service: Service) -> None:
    """Whoever squats on it reads the mailbox after all, and verifies while an invitation is accepted."""
    admin = await service.admin()
    for turn in range(5):
        wanted = f"wanted{turn}@example.org"
        squatter = await service.user(wanted)
        verification = await service.mailed_token(wanted)
        await admin.post("/v1/invitations", email=wanted)
        invitation = await service.mailed_token(wanted)

        verified, joined = await asyncio.gather(
            verify(service, verification), register(service, email=wanted, invitation=invitation)
        )

        has_it = (await squatter.get("/v1/me")).json()["email"] == wanted
        assert has_it is (joined.status_code != 201)
        assert (verified.status_code, joined.status_code) in {(204, 409), (422, 201), (409, 201)}


async def test_one_of_many_changes_the_password_that_all_know(service: Service) -> None:
    ada = await service.user(ADA)
    sessions = [await another_session(service) for _ in range(4)]

    words = [f"{OTHER} {number}" for number in range(4)]
    answers = await asyncio.gather(
        *(
            session.put("/v1/me/password", current_password=PASSWORD, new_password=word)
            for session, word in zip(sessions, words, strict=True)
        )
    )

    seen = Counter(answer.status_code for answer in answers)
    assert seen[204] == 1
    assert set(seen) <= {204, 401, 403, 409}
    (chosen,) = [word for word, answer in zip(words, answers, strict=True) if answer.status_code == 204]
    assert await service.sign_in(ADA, chosen)
    assert (await ada.get("/v1/me")).status_code == 401


@pytest.mark.parametrize("link", ["verify", "move", "reset"])
async def test_a_link_and_what_ends_it_do_not_wait_for_each_other(service: Service, link: str) -> None:
    """Each of them writes links and their user; whoever comes late is refused for a reason."""
    admin = await service.admin()
    for turn in range(3):
        ada = await service.user(f"ada{turn}@example.org")
        tokens = {"verify": await service.mailed_token(ada.email)}
        tokens["move"] = await moving(service, ada, f"moved{turn}@example.org")
        await service.anyone.post("/v1/auth/password/forgot", email=ada.email)
        tokens["reset"] = await service.mailed_token(ada.email)

        seen = await statuses(
            (
                followed(service, link, tokens[link]),
                ada.put("/v1/me/password", current_password=PASSWORD, new_password=f"{OTHER}!"),
                admin.put(f"/v1/users/{ada.id}/password", new_password=f"{OTHER}?"),
            )
        )

        assert set(seen) <= {204, 401, 409, 422}, seen


async def test_a_user_name_is_one_persons(service: Service) -> None:
    people = [await service.user() for _ in range(6)]
    assert await statuses(person.patch("/v1/me", username="wanted") for person in people) == {200: 1, 409: 5}


def followed(service: Service, link: str, token: str) -> Awaitable[httpx.Response]:
    if link == "reset":
        return service.anyone.post("/v1/auth/password/reset", token=token, password=OTHER)
    return verify(service, token)


async def moving(service: Service, person: Person, email: str) -> str:
    """The token of a link that moves *person* there."""
    asked = await person.put("/v1/me/email", email=email, current_password=PASSWORD)
    assert asked.status_code == 202, asked.text
    return await service.mailed_token(email)


async def another_session(service: Service) -> Person:
    tokens = await service.sign_in(ADA)
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return Person(service.anyone.http, headers, id="", email=ADA, tokens=tokens)
