"""Keys as somebody asks for them, before anything is checked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from domain.errors import Invalid
from domain.model.changes import UNSET, Unset
from domain.model.durations import duration
from domain.model.ids import KeyId, ProjectId, UserId
from domain.model.keys import Key, KeyChange, SecretVersion, expiry, metadata, project_ids
from domain.model.limits import policies
from domain.model.networks import networks
from domain.model.scopes import Catalogue
from domain.model.texts import description_text, name_text
from domain.ports.security import MintedSecret

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """A key to be made."""

    name: str
    scopes: Sequence[str]
    description: str | None = None
    expires_at: datetime | None = None
    expires_in: str | None = None
    metadata: Mapping[str, object] | None = None
    limits: Iterable[str] = ()
    allowed_networks: Iterable[str] = ()
    project_ids: Iterable[ProjectId] = ()

    def parsed(
        self,
        key_id: KeyId,
        owner_id: UserId,
        minted: MintedSecret,
        catalogue: Catalogue,
        *,
        now: datetime,
        longest: timedelta | None,
    ) -> Key:
        """The key, with the secret that was *minted* for it. Raises Invalid."""
        secret = SecretVersion(
            version=1, digest=minted.digest, pepper_id=minted.pepper_id, last4=minted.last4, created_at=now
        )
        after = _span(self.expires_in)
        return Key(
            id=key_id,
            owner_id=owner_id,
            name=name_text(self.name),
            description=description_text(self.description),
            scopes=catalogue.known(self.scopes),
            secrets=(secret,),
            metadata=metadata(self.metadata),
            limits=policies(self.limits),
            allowed_networks=networks(self.allowed_networks),
            project_ids=project_ids(self.project_ids),
            created_at=now,
            expires_at=expiry(at=self.expires_at, after=after, now=now, longest=longest),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEdit:
    """A key to be changed: None clears what is there."""

    name: str | Unset = UNSET
    scopes: Sequence[str] | Unset = UNSET
    description: str | Unset | None = UNSET
    expires_at: datetime | Unset | None = UNSET
    expires_in: str | Unset | None = UNSET
    metadata: Mapping[str, object] | Unset | None = UNSET
    limits: Iterable[str] | Unset | None = UNSET
    allowed_networks: Iterable[str] | Unset | None = UNSET
    project_ids: Iterable[ProjectId] | Unset | None = UNSET

    def parsed(self, catalogue: Catalogue, *, now: datetime) -> KeyChange:
        """Raises Invalid."""
        return KeyChange(
            name=_parsed(self.name, name_text),
            description=_parsed(self.description, description_text),
            scopes=_parsed(self.scopes, catalogue.known),
            expires_at=self._expiry(now),
            metadata=_parsed(self.metadata, metadata),
            limits=_parsed(self.limits, lambda raw: policies(raw or ())),
            allowed_networks=_parsed(self.allowed_networks, lambda raw: networks(raw or ())),
            project_ids=_parsed(self.project_ids, lambda raw: project_ids(raw or ())),
        )

    def _expiry(self, now: datetime) -> datetime | Unset | None:
        """The operator's cap is on the whole life of the key, which is not known yet."""
        at, raw = self.expires_at, self.expires_in
        if isinstance(raw, Unset):
            return at if isinstance(at, Unset) else expiry(at=at, after=None, now=now, longest=None)
        if not isinstance(at, Unset):
            raise Invalid("expires_in", "is given instead of expires_at, not beside it")
        return expiry(at=None, after=_span(raw), now=now, longest=None)


def _span(raw: str | None) -> timedelta | None:
    return None if raw is None else duration(raw, "expires_in")


def _parsed(raw: T | Unset, parse: Callable[[T], R]) -> R | Unset:
    return raw if isinstance(raw, Unset) else parse(raw)
