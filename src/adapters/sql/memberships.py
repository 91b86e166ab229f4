from uuid import UUID

from sqlalchemy import ForeignKey, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Row, table_of


class MembershipRow(Row):
    """Who holds which role: users are found by it, and roles."""

    __tablename__ = "user_roles"

    user_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(Id, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True)


MEMBERSHIPS = table_of(MembershipRow)
OF_USER = MEMBERSHIPS.c.user_id == bindparam("user_id")
OF_ROLE = MEMBERSHIPS.c.role_id == bindparam("role_id")
