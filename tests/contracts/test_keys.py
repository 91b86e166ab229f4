from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from domain.errors import EditConflict, KeyNotFound, QuotaReached, UserNotFound
from domain.model.ids import ProjectId
from domain.model.keys import Key
from domain.model.limits import Policy
from domain.model.queries import Page, Query, Sort

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_key, a_secret, a_use, a_user
from ..support.fakes import START, CountingIds

LATER = START + timedelta(days=1, microseconds=1)


@pytest.fixture
async def key(storage: Storage, owner) -> Key:
    key = a_key(owner)
    await storage.given(key)
    return key


def a_full_key(owner) -> Key:
    used = a_secret(
        1, digest=b"\x00\xff" * 16, retires_at=LATER, last_used_at=START, last_used_ip="::1", use_count=2**40
    )
    return a_key(
        owner,
        description=HOSTILE_TEXTS[0],
        scopes=frozenset({"writer", "read", "projects:any", "x:é"}),
        secrets=(used, a_secret(2, pepper_id="p2"), a_secret(10), a_secret(11)),
        metadata={"text": HOSTILE_TEXTS, "n": [1, -1.5, 2**53, True, None], "": {"deep": {"er": []}}, "%_\\\"'": "😀"},
        limits=(Policy(999_999_999, 86400), Policy(1, 1), Policy(100, 60)),
        allowed_networks=(ip_network("2001:db8::/32"), ip_network("192.0.2.1"), ip_network("0.0.0.0/0")),
        project_ids=frozenset(ProjectId(CountingIds(start).new()) for start in (7, 8)),
        expires_at=LATER,
        suspended_at=START + timedelta(microseconds=2),
        revoked_at=START + timedelta(microseconds=3),
    )


async def test_get_finds_what_add_was_given(storage: Storage, owner) -> None:
    plain, full = a_key(owner), a_full_key(owner)
    full = replace(full, metadata={**full.metadata, "text": list(HOSTILE_TEXTS)})
    await storage.given(plain, full)

    async with storage.uow.reading() as work:
        assert await work.keys.get(plain.id) == plain
        assert await work.keys.get(full.id) == full


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_texts_come_back_code_point_by_code_point(storage: Storage, owner, text: str) -> None:
    key = a_key(owner, name=text, description=text, metadata={text: text})
    await storage.given(key)

    async with storage.uow.reading() as work:
        assert await work.keys.get(key.id) == key


async def test_secrets_come_back_by_version(storage: Storage, owner) -> None:
    first, second, tenth = a_secret(1), a_secret(2), a_secret(10)
    key = a_key(owner, secrets=(tenth, first, second))
    await storage.given(key)

    async with storage.uow.reading() as work:
        assert (await work.keys.get(key.id)).secrets == (first, second, tenth)


async def test_get_refuses_an_unknown_key(storage: Storage, owner) -> None:
    async with storage.uow.reading() as work:
        with pytest.raises(KeyNotFound):
            await work.keys.get(a_key(owner).id)


async def test_add_refuses_an_unknown_owner(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.keys.add(a_key(a_user()), live_at_most=10, now=START)


async def test_add_refuses_what_is_over_the_owners_quota(storage: Storage, owner, key) -> None:
    async with storage.uow() as work:
        await work.keys.add(a_key(owner, suspended_at=START), live_at_most=2, now=START)

    with pytest.raises(QuotaReached):
        async with storage.uow() as work:
            await work.keys.add(a_key(owner), live_at_most=2, now=START)


async def test_the_quota_counts_neither_revoked_nor_expired_nor_other_peoples_keys(storage: Storage, owner) -> None:
    other = a_user()
    await storage.given(other, a_key(other), a_key(owner, revoked_at=START), a_key(owner, expires_at=LATER))

    async with storage.uow() as work:
        await work.keys.add(a_key(owner), live_at_most=1, now=LATER)


async def test_the_quota_counts_a_key_until_the_moment_it_expires(storage: Storage, owner) -> None:
    await storage.given(a_key(owner, expires_at=LATER))

    with pytest.raises(QuotaReached):
        async with storage.uow() as work:
            await work.keys.add(a_key(owner), live_at_most=1, now=LATER - timedelta(microseconds=1))


async def test_add_never_replaces_a_key_or_its_secrets(storage: Storage, owner, key) -> None:
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.keys.add(a_key(owner, id=key.id, secrets=(a_secret(2),)), live_at_most=10, now=START)

    async with storage.uow.reading() as work:
        assert await work.keys.get(key.id) == key


async def test_save_keeps_every_member_and_counts_the_version(storage: Storage, owner, key) -> None:
    full = a_full_key(owner)
    kept = {"id": key.id, "secrets": key.secrets, "name": "new", "metadata": {"a": 1}}
    change = replace(full, **kept)

    async with storage.uow() as work:
        saved = await work.keys.save(change)
    assert saved == replace(change, version=2)
    async with storage.uow.reading() as work:
        assert await work.keys.get(key.id) == saved


async def test_save_can_clear_what_was_set(storage: Storage, owner) -> None:
    full = replace(a_full_key(owner), metadata={"a": 1})
    await storage.given(full)
    nothing = a_key(owner, id=full.id, secrets=full.secrets, scopes=frozenset())

    async with storage.uow() as work:
        saved = await work.keys.save(nothing)

    async with storage.uow.reading() as work:
        assert await work.keys.get(full.id) == saved == replace(nothing, version=2)


async def test_save_leaves_the_secrets_and_their_use_as_they_are(storage: Storage, owner, key) -> None:
    busy = replace(key.newest, use_count=9, last_used_at=LATER, digest=b"other")

    async with storage.uow() as work:
        await work.keys.save(replace(key, name="new", secrets=(busy, a_secret(2))))

    async with storage.uow.reading() as work:
        kept = await work.keys.get(key.id)
    assert kept == replace(key, name="new", version=2)


async def test_save_refuses_a_key_that_is_not_there(storage: Storage, owner) -> None:
    with pytest.raises(KeyNotFound):
        async with storage.uow() as work:
            await work.keys.save(a_key(owner))


async def test_save_refuses_a_value_read_before_somebody_elses_save(storage: Storage, key) -> None:
    async with storage.uow() as work:
        await work.keys.save(key.revoke(now=START))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.keys.save(replace(key, name="second"))

    async with storage.uow.reading() as work:
        assert (await work.keys.get(key.id)).revoked_at == START


async def test_uses_add_up_and_the_latest_is_the_last(storage: Storage, owner) -> None:
    key, other = a_key(owner, secrets=(a_secret(1), a_secret(2))), a_key(owner)
    await storage.given(key, other)

    for uses in (
        [a_use(key, count=2, last_at=LATER), a_use(other)],
        [a_use(key, last_at=START, last_ip="::1"), a_use(key, version=2, count=2**40, last_ip=None)],
    ):
        async with storage.uow() as work:
            await work.keys.note_uses(uses)

    async with storage.uow.reading() as work:
        kept = await work.keys.get(key.id)
        assert (await work.keys.get(other.id)).newest.use_count == 1
    first, second = kept.secrets
    assert (first.use_count, first.last_used_at, first.last_used_ip) == (3, LATER, "192.0.2.1")
    assert (second.use_count, second.last_used_at, second.last_used_ip) == (2**40, START, None)
    assert kept.version == 1


async def test_a_digest_is_kept_anew_where_it_is_the_one_that_was_seen(storage: Storage, owner) -> None:
    first, second = a_secret(1, use_count=3, retires_at=LATER), a_secret(2)
    key, other = a_key(owner, secrets=(first, second)), a_key(owner)
    await storage.given(key, other)
    renewed = a_secret(1, digest=b"new", pepper_id="p9", last4="none", created_at=LATER)

    async with storage.uow() as work:
        await work.keys.save_digest(key.id, renewed, seen=second.digest)
        await work.keys.save_digest(a_key(owner).id, renewed, seen=first.digest)
    async with storage.uow.reading() as work:
        assert await work.keys.get(key.id) == key

    async with storage.uow() as work:
        await work.keys.save_digest(key.id, renewed, seen=first.digest)
    async with storage.uow.reading() as work:
        kept = await work.keys.get(key.id)
        assert await work.keys.get(other.id) == other
    assert kept == replace(key, secrets=(replace(first, digest=b"new", pepper_id="p9"), second))


async def test_a_use_of_what_is_gone_is_passed_over(storage: Storage, owner, key) -> None:
    async with storage.uow() as work:
        await work.keys.note_uses([a_use(a_key(owner)), a_use(key, version=9), a_use(key)])
        await work.keys.note_uses([])

    async with storage.uow.reading() as work:
        assert [secret.use_count for secret in (await work.keys.get(key.id)).secrets] == [1]


async def test_who_read_the_key_before_it_was_used_may_still_save_it(storage: Storage, owner, key) -> None:
    async with storage.uow() as work:
        await work.keys.note_uses([a_use(key)])
    async with storage.uow() as work:
        saved = await work.keys.save(replace(key, name="new"))

    assert (saved.version, saved.newest.use_count) == (2, 1)


async def test_save_secrets_keeps_new_ones_and_when_the_others_retire(storage: Storage, owner) -> None:
    used = a_secret(1, use_count=3, last_used_at=START, last_used_ip="::1")
    key = a_key(owner, secrets=(used, a_secret(2)))
    await storage.given(key)
    other = replace(used, digest=b"other", pepper_id="p9", use_count=0, retires_at=LATER)
    third = a_secret(3, created_at=LATER, use_count=7, retires_at=LATER)

    async with storage.uow() as work:
        saved = await work.keys.save_secrets(replace(key, name="new", secrets=(third, key.secrets[1], other)))

    expected = replace(key, name="new", secrets=(replace(used, retires_at=LATER), key.secrets[1], third), version=2)
    assert saved == expected
    async with storage.uow.reading() as work:
        assert await work.keys.get(key.id) == expected


async def test_save_secrets_takes_none_away_and_may_take_an_end_back(storage: Storage, owner) -> None:
    key = a_key(owner, secrets=(a_secret(1), a_secret(2, retires_at=LATER)))
    await storage.given(key)

    async with storage.uow() as work:
        saved = await work.keys.save_secrets(replace(key, secrets=(replace(key.secrets[1], retires_at=None),)))

    assert saved.secrets == (key.secrets[0], replace(key.secrets[1], retires_at=None))


async def test_save_secrets_refuses_a_key_that_is_not_there(storage: Storage, owner) -> None:
    with pytest.raises(KeyNotFound):
        async with storage.uow() as work:
            await work.keys.save_secrets(a_key(owner))


async def test_save_secrets_refuses_a_value_read_before_somebody_elses_save(storage: Storage, key) -> None:
    async with storage.uow() as work:
        await work.keys.save(replace(key, name="first"))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.keys.save_secrets(replace(key, secrets=(*key.secrets, a_secret(2))))

    async with storage.uow.reading() as work:
        assert (await work.keys.get(key.id)).secrets == key.secrets


async def test_a_deleted_key_is_gone_with_its_secrets_and_its_id_is_free(storage: Storage, owner, key) -> None:
    async with storage.uow() as work:
        await work.keys.delete(key)

    async with storage.uow.reading() as work:
        with pytest.raises(KeyNotFound):
            await work.keys.get(key.id)
    assert await storage.directory.find_key(key.id) is None
    again = a_key(owner, id=key.id, secrets=(a_secret(5),))
    await storage.given(again)
    async with storage.uow.reading() as work:
        assert await work.keys.get(key.id) == again


async def test_delete_refuses_a_key_that_is_not_there(storage: Storage, owner) -> None:
    with pytest.raises(KeyNotFound):
        async with storage.uow() as work:
            await work.keys.delete(a_key(owner))


async def test_delete_refuses_a_value_read_before_somebody_elses_save(storage: Storage, key) -> None:
    async with storage.uow() as work:
        await work.keys.save(replace(key, name="first"))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.keys.delete(key)


async def test_a_list_is_of_one_owner_or_of_all(storage: Storage, owner) -> None:
    other = a_user()
    first, second, third = a_key(owner, name="a"), a_key(other, name="b"), a_key(owner, name="c")
    await storage.given(other, third, second, first)
    by_name = Query(sorting=(Sort("name"),))

    async with storage.uow.reading() as work:
        assert await work.keys.list_by_owner(owner.id, by_name) == Page((first, third), 2)
        assert await work.keys.list_by_owner(None, by_name) == Page((first, second, third), 3)
        assert await work.keys.list_by_owner(a_user().id, by_name) == Page((), 0)


async def test_names_need_not_be_unique(storage: Storage, owner, key) -> None:
    await storage.given(a_key(owner, name=key.name))


async def test_revoke_all_ends_what_is_left_of_one_owner(storage: Storage, owner, key) -> None:
    gone, other = a_key(owner, revoked_at=START), a_key(stranger := a_user())
    await storage.given(stranger, gone, other)

    async with storage.uow() as work:
        assert await work.keys.revoke_all(owner.id, now=LATER) == 1
        assert await work.keys.revoke_all(owner.id, now=LATER) == 0

    async with storage.uow.reading() as work:
        assert await work.keys.get(key.id) == replace(key, revoked_at=LATER, version=2)
        assert await work.keys.get(gone.id) == gone
        assert await work.keys.get(other.id) == other
