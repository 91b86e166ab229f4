"""Two people who edit at once: entity tags on single resources, `If-Match` on writes, `If-None-Match` on reads."""

import pytest

from tests.support.service import Person, Service, refusal


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def path(ada: Person) -> str:
    """A project that has been edited once: its tag is "2"."""
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    assert (await ada.patch(path, name="Depot")).headers["etag"] == '"2"'
    return path


async def test_every_write_has_its_own_tag(ada: Person, path: str) -> None:
    assert (await ada.get(path)).headers["etag"] == '"2"'
    assert (await ada.put(path, name="Barn")).headers["etag"] == '"3"'
    assert (await ada.saying(if_match='"3"').patch(path, name="Shed")).headers["etag"] == '"4"'


@pytest.mark.parametrize("tags", ['"2"', '"1", "2"', ' "2" ', "*", '"x","2"'])
async def test_who_read_the_current_version_may_write(ada: Person, path: str, tags: str) -> None:
    assert (await ada.saying(if_match=tags).patch(path, name="Barn")).status_code == 200


@pytest.mark.parametrize("tags", ['"1"', '"3"', 'W/"2"', "2", '"2', '"02"', '""', "nonsense", '"1","3"', '"2" "1"'])
async def test_who_did_not_writes_nothing(ada: Person, path: str, tags: str) -> None:
    stale = ada.saying(if_match=tags)
    for answer in (
        await stale.patch(path, name="Barn"),
        await stale.put(path, name="Barn"),
        await stale.delete(path),
    ):
        assert refusal(answer) == (412, "precondition_failed")
    unchanged = await ada.get(path)
    assert (unchanged.json()["name"], unchanged.headers["etag"]) == ("Depot", '"2"')


async def test_tags_may_come_on_several_lines(ada: Person, path: str) -> None:
    lines = [*ada.headers.items(), ("if-match", '"1"'), ("if-match", '"2"')]
    assert (await ada.http.patch(path, headers=lines, json={"name": "Barn"})).status_code == 200
    lines = [*ada.headers.items(), ("if-none-match", '"1"'), ("if-none-match", '"3"')]
    assert (await ada.http.get(path, headers=lines)).status_code == 304


async def test_a_delete_may_ask_for_its_version(ada: Person, path: str) -> None:
    assert (await ada.saying(if_match='"2"').delete(path)).status_code == 204
    assert refusal(await ada.saying(if_match="*").delete(path)) == (404, "not_found")


@pytest.mark.parametrize("tags", ['"2"', 'W/"2"', "*", '"1", W/"2"'])
async def test_what_one_has_already_is_not_sent_again(ada: Person, path: str, tags: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await ada.saying(if_none_match=tags).send(method, path)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"2"')


@pytest.mark.parametrize("tags", ['"1"', '"3"', "nonsense", '""'])
async def test_anything_else_is(ada: Person, path: str, tags: str) -> None:
    assert (await ada.saying(if_none_match=tags).get(path)).json()["name"] == "Depot"


async def test_a_read_that_is_not_allowed_is_not_304(service: Service, ada: Person, path: str) -> None:
    bob = await service.user()
    assert refusal(await bob.saying(if_none_match="*").get(path)) == (404, "not_found")


async def test_a_key_is_read_anew_each_time_for_its_status_changes_without_an_edit(
    service: Service, ada: Person
) -> None:
    robot = await ada.key(expires_in="5m")
    key = f"/v1/api-keys/{robot.id}"
    own = await robot.saying(if_none_match='"1"').get("/v1/api-keys/self")
    assert (own.status_code, own.headers["etag"]) == (200, '"1"')
    service.advance(minutes=5)
    expired = await ada.saying(if_none_match='"1"').get(key)
    assert (expired.json()["status"], expired.headers["etag"]) == ("expired", '"1"')


async def test_a_key_is_revoked_by_who_read_its_current_version(ada: Person) -> None:
    key = f"/v1/api-keys/{(await ada.key()).id}"
    assert refusal(await ada.saying(if_match='"2"').post(f"{key}/revoke")) == (412, "precondition_failed")
    assert (await ada.get(key)).json()["status"] == "active"
    assert (await ada.saying(if_match='"1"').post(f"{key}/revoke")).status_code == 200
    assert (await ada.get(key)).headers["etag"] == '"2"'


async def test_a_profile_has_the_users_tag_and_is_read_anew_for_it_shows_roles_too(ada: Person) -> None:
    answer = await ada.saying(if_none_match='"1"').get("/v1/me")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')


async def test_lists_have_no_tag(ada: Person, path: str) -> None:
    answer = await ada.saying(if_none_match="*").get("/v1/projects")
    assert answer.status_code == 200
    assert "etag" not in answer.headers
