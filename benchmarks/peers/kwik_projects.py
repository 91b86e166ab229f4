"""Kwik with the Projects of its guide: an authenticated router, permissions, a list query, AutoCRUD.

``python kwik_projects.py`` makes tables, a user who may read, a hundred projects, and prints an access token.
The pool and the log are set by ``KWIK_…``, as its handbook says.
"""

from datetime import datetime

from kwik import Kwik
from kwik.api.api import build_api_router
from kwik.core.enum import PermissionNamesBase
from kwik.crud import AutoCRUD, UserCtx
from kwik.database import create_engine, create_session_factory
from kwik.dependencies import ListQuery, UserContext, has_permission
from kwik.models import Base, Permission, Role, RolePermission, User, UserRole
from kwik.routers import AuthenticatedRouter
from kwik.schemas import ORMMixin, Paginated
from kwik.security import create_token
from kwik.settings import BaseKwikSettings
from pydantic import BaseModel
from sqlalchemy import DateTime, String, func
from sqlalchemy.orm import Mapped, mapped_column

COUNT = 100


class ProjectPermissions(PermissionNamesBase):
    projects_management_read = "projects_management_read"


class Project(Base):
    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    description: Mapped[str | None] = mapped_column(String(1024))
    owner_id: Mapped[int] = mapped_column(index=True)
    archived_at: Mapped[datetime | None] = mapped_column(DateTime)
    created_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now())


class ProjectDefinition(BaseModel):
    name: str
    description: str | None = None


class ProjectUpdate(BaseModel):
    name: str | None = None
    description: str | None = None


class ProjectProfile(ORMMixin):
    name: str
    description: str | None
    owner_id: int
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class CRUDProjects(AutoCRUD[UserCtx, Project, ProjectDefinition, ProjectUpdate, int]):
    pass


crud_projects = CRUDProjects()
projects_router = AuthenticatedRouter(prefix="/projects")
MAY_READ = (has_permission(ProjectPermissions.projects_management_read),)


@projects_router.get("/", response_model=Paginated[ProjectProfile], dependencies=MAY_READ)
def read_projects(q: ListQuery, context: UserContext):
    total, data = crud_projects.get_multi(context=context, **q)
    return {"total": total, "data": data}


@projects_router.get("/{project_id}", response_model=ProjectProfile, dependencies=MAY_READ)
def read_project(project_id: int, context: UserContext):
    return crud_projects.get_if_exist(entity_id=project_id, context=context)


def create():
    api_router = build_api_router()
    api_router.include_router(projects_router)
    return Kwik(settings=BaseKwikSettings(), api_router=api_router).app


def prepare() -> str:
    settings = BaseKwikSettings()
    engine = create_engine(settings)
    Base.metadata.create_all(engine)
    with create_session_factory(engine)() as session:
        if (user := session.get(User, 1)) is None:
            user = User(id=1, name="A", surname="B", email="admin@example.org", hashed_password="-", is_active=True)
            session.add(user)
            session.flush()
            session.add(Role(id=1, name="reader", creator_user_id=1))
            session.add(Permission(id=1, name=ProjectPermissions.projects_management_read, creator_user_id=1))
            session.flush()
            session.add(UserRole(user_id=1, role_id=1, creator_user_id=1))
            session.add(RolePermission(role_id=1, permission_id=1, creator_user_id=1))
            session.add_all(Project(name=f"Project {number}", owner_id=1) for number in range(COUNT))
            session.commit()
        return create_token(user_id=user.id, settings=settings).access_token


if __name__ == "__main__":
    print(prepare())
