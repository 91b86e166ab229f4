"""Somebody registers with the address of another, and waits for them to come."""

import re

import pytest

from adapters.memory.mails import MemoryMailSender
from tests.support.ports import memory_ports
from tests.support.service import Service

ANOTHER = "another horse battery staple"


@pytest.fixture
def mail() -> MemoryMailSender:
    return MemoryMailSender()


@pytest.fixture
def service(mail: MemoryMailSender) -> Service:
    return Service(memory_ports(mail=mail))


async def mailed(service: Service, mail: MemoryMailSender) -> str:
    """The token of the last link."""
    await service.services.mails.deliver()
    found = re.search(r"token=(\S+)", mail.sent[-1].text)
    assert found is not None
    return found[1]


async def reset(service: Service, mail: MemoryMailSender, email: str) -> None:
    await service.anyone.post("/v1/auth/password/forgot", email=email)
    token = await mailed(service, mail)
    answer = await service.anyone.post("/v1/auth/password/reset", token=token, password=ANOTHER)
    assert answer.status_code == 204, answer.text


async def test_who_reads_the_mailbox_takes_the_account_and_no_key_of_a_stranger_goes_on(
    service: Service, mail: MemoryMailSender
) -> None:
    stranger = await service.user("ada@example.org")
    robot = await stranger.key("writer")

    await reset(service, mail, "ada@example.org")

    assert (await robot.get("/v1/whoami")).status_code == 401
    assert (await stranger.get("/v1/whoami")).status_code == 401
    [event] = [event for event in await service.events() if event.action == "user.password_reset"]
    assert event.changes == {"keys_revoked": 1}


async def test_who_has_verified_the_address_keeps_the_keys(service: Service, mail: MemoryMailSender) -> None:
    ada = await service.user("ada@example.org")
    token = await mailed(service, mail)
    assert (await service.anyone.post("/v1/auth/email/verify", token=token)).status_code == 204
    robot = await ada.key("writer")

    await reset(service, mail, "ada@example.org")

    assert (await robot.get("/v1/whoami")).status_code == 200
