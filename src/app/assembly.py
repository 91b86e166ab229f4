"""Ports in, services out: how the use cases are put together, whatever stands behind the ports."""

from app.background import Background, Job, closing, mail_job, uses_job, webhook_job
from app.ports import Ports
from app.services import Services
from domain.services.access import AccessService
from domain.services.accounts import AccountService
from domain.services.audit import AuditService, Recorder
from domain.services.cookie_sessions import CookieSessions
from domain.services.exports import ExportService
from domain.services.federated_accounts import FederatedAccounts
from domain.services.federated_sign_in import FederatedSignIn
from domain.services.housekeeping import Housekeeping
from domain.services.idempotency import IdempotencyService
from domain.services.identities import IdentityService
from domain.services.imported_keys import ImportedKeys
from domain.services.introspection import IntrospectionService
from domain.services.invitations import InvitationService
from domain.services.issuing import SessionIssuer
from domain.services.key_imports import KeyImports
from domain.services.key_uses import KeyUses
from domain.services.keys import KeyService
from domain.services.mails import MailService, Outbox
from domain.services.meanings import Meanings
from domain.services.members import MemberService
from domain.services.memberships import MembershipService
from domain.services.newcomers import Newcomers
from domain.services.passwords import PasswordProofs
from domain.services.projects import ProjectService
from domain.services.recovery import RecoveryService
from domain.services.registration import RegistrationService
from domain.services.roles import RoleService
from domain.services.scopes import ScopeService
from domain.services.session_uses import SessionUses
from domain.services.sessions import SessionService
from domain.services.sign_in import SignInService
from domain.services.tasks import TaskService
from domain.services.throttles import Throttle
from domain.services.users import UserService
from domain.services.webhooks import WebhookService

SWEEP_SECONDS = 3600.0


def assemble(ports: Ports) -> Services:
    rules, uow, clock, ids, limiter = ports.rules, ports.uow, ports.clock, ports.ids, ports.limiter
    catalogue, policy, sessions = rules.catalogue, rules.passwords, rules.sessions
    recorder, outbox = Recorder(clock=clock, ids=ids), Outbox(clock=clock, ids=ids)
    by_address, patience = rules.sign_in_limit, rules.sign_in_patience
    throttle = Throttle(uow=uow, limiter=limiter, address_limit=by_address, clock=clock, patience=patience)
    proofs = PasswordProofs(
        uow=uow, passwords=ports.passwords, throttle=throttle, devices=ports.devices, recorder=recorder, clock=clock
    )
    issuer = SessionIssuer(access_tokens=ports.access_tokens, rules=sessions, recorder=recorder, clock=clock, ids=ids)
    cookie_sessions = CookieSessions(cookies=ports.cookies, issuer=issuer, clock=clock)
    newcomers = Newcomers(passwords=ports.passwords, policy=policy, recorder=recorder, clock=clock, ids=ids)
    uses = KeyUses(uow=uow)
    access = AccessService(
        directory=ports.directory,
        secrets=ports.key_secrets,
        access_tokens=ports.access_tokens,
        cookies=ports.cookies,
        session_uses=SessionUses(uow=uow, lifetimes=rules.cookie, clock=clock),
        limiter=limiter,
        default_limit=rules.default_limit,
        anonymous_limit=rules.anonymous_limit,
        uses=uses,
        imported=ImportedKeys(
            imported=ports.imported_secrets,
            secrets=ports.key_secrets,
            directory=ports.directory,
            uow=uow,
            limiter=limiter,
            clock=clock,
        ),
        clock=clock,
        max_staleness=rules.max_staleness,
    )
    mails = MailService(
        uow=uow,
        sender=ports.mail,
        secrets=ports.one_time_secrets,
        limiter=limiter,
        public_url=rules.public_url,
        clock=clock,
    )
    webhooks = WebhookService(
        uow=uow, signatures=ports.webhook_signatures, handlers=ports.webhook_handlers, clock=clock, ids=ids
    )
    session_service = SessionService(
        uow=uow,
        access_tokens=ports.access_tokens,
        refresh_tokens=ports.refresh_tokens,
        issuer=issuer,
        rules=sessions,
        catalogue=catalogue,
        outbox=outbox,
        recorder=recorder,
        clock=clock,
    )
    return Services(
        access=access,
        accounts=AccountService(
            uow=uow,
            newcomers=newcomers,
            passwords=ports.passwords,
            policy=policy,
            proofs=proofs,
            throttle=throttle,
            secrets=ports.one_time_secrets,
            catalogue=catalogue,
            outbox=outbox,
            recorder=recorder,
            clock=clock,
        ),
        audit=AuditService(uow=uow, cursors=ports.cursors),
        exports=ExportService(uow=uow, secrets=ports.key_secrets, recorder=recorder, clock=clock),
        federated_sign_in=FederatedSignIn(
            uow=uow,
            providers=ports.identity_providers,
            handshakes=ports.handshakes,
            accounts=FederatedAccounts(
                uow=uow,
                newcomers=newcomers,
                registration=rules.registration,
                cookie_sessions=cookie_sessions,
                devices=ports.devices,
                outbox=outbox,
                recorder=recorder,
                clock=clock,
                ids=ids,
            ),
            throttle=throttle,
            sessions=session_service,
            public_url=rules.public_url,
            clock=clock,
        ),
        idempotency=IdempotencyService(uow=uow, seals=ports.idempotency_seals, clock=clock, ids=ids),
        identities=IdentityService(uow=uow, outbox=outbox, recorder=recorder),
        introspection=IntrospectionService(
            access=access,
            access_tokens=ports.access_tokens,
            refresh_tokens=ports.refresh_tokens,
            uow=uow,
            clock=clock,
        ),
        invitations=InvitationService(
            uow=uow,
            registration=rules.registration,
            catalogue=catalogue,
            outbox=outbox,
            recorder=recorder,
            clock=clock,
            ids=ids,
        ),
        key_imports=KeyImports(
            uow=uow,
            imported=ports.imported_secrets,
            meanings=Meanings(uow=uow, catalogue=catalogue),
            recorder=recorder,
            clock=clock,
            max_lifetime=rules.key_max_lifetime,
        ),
        key_uses=uses,
        keys=KeyService(
            uow=uow,
            secrets=ports.key_secrets,
            catalogue=catalogue,
            recorder=recorder,
            clock=clock,
            ids=ids,
            max_staleness=rules.max_staleness,
            max_lifetime=rules.key_max_lifetime,
        ),
        mails=mails,
        members=MemberService(uow=uow, recorder=recorder, clock=clock),
        memberships=MembershipService(uow=uow, catalogue=catalogue, recorder=recorder),
        projects=ProjectService(uow=uow, recorder=recorder, clock=clock, ids=ids),
        recovery=RecoveryService(
            uow=uow,
            passwords=ports.passwords,
            policy=policy,
            throttle=throttle,
            limiter=limiter,
            secrets=ports.one_time_secrets,
            outbox=outbox,
            recorder=recorder,
            clock=clock,
        ),
        registration=RegistrationService(
            uow=uow,
            newcomers=newcomers,
            registration=rules.registration,
            secrets=ports.one_time_secrets,
            catalogue=catalogue,
            outbox=outbox,
            clock=clock,
        ),
        roles=RoleService(uow=uow, catalogue=catalogue, recorder=recorder, clock=clock, ids=ids),
        scopes=ScopeService(uow=uow, catalogue=catalogue, recorder=recorder, clock=clock, ids=ids),
        sessions=session_service,
        sign_in=SignInService(
            uow=uow,
            proofs=proofs,
            throttle=throttle,
            passwords=ports.passwords,
            refresh_tokens=ports.refresh_tokens,
            cookie_sessions=cookie_sessions,
            issuer=issuer,
            rules=sessions,
            recorder=recorder,
            clock=clock,
        ),
        tasks=TaskService(uow=uow, recorder=recorder, clock=clock, ids=ids),
        users=UserService(
            uow=uow,
            newcomers=newcomers,
            passwords=ports.passwords,
            policy=policy,
            throttle=throttle,
            catalogue=catalogue,
            outbox=outbox,
            recorder=recorder,
            clock=clock,
        ),
        webhooks=webhooks,
        catalogue=catalogue,
        cursors=ports.cursors,
        public_keys=ports.access_tokens.public_keys,
        new_request_id=ids.name,
        flush_access=ports.changes.flush,
        start=ports.start,
        checks=ports.checks,
        optional_checks=ports.optional_checks,
        readings=ports.readings,
        close=closing(uses, ports.close),
        background=Background(
            *ports.jobs,
            mail_job(mails),
            uses_job(uses),
            *([webhook_job(webhooks)] if ports.webhook_handlers else []),
            Job(
                name="housekeeping",
                run=Housekeeping(uow=uow, changes=ports.changes, clock=clock).sweep,
                period=SWEEP_SECONDS,
            ),
        ),
        branches=ports.branches,
    )
