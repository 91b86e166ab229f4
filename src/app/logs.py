"""What the service says while it runs: lines for people or for machines, on standard error, never a secret.

`configure` sets this process up; `server_options` says the same to uvicorn, whose workers are processes of
their own.

*Why not structlog.* Most records are not made by us: the server's, the driver's and the mailer's come through
`logging`, and none may tell a secret either. So what masks has to be the last filter of `logging` in any case, and two
formatters are all that is left to do.
"""

import logging
import logging.config
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal

import msgspec

Level = Literal["debug", "info", "warning", "error", "critical"]
Form = Literal["console", "json"]

CONTEXT: Final = (
    "request_id",
    "actor_type",
    "actor_id",
    "source_ip",
    "method",
    "route",
    "door",
    "status",
    "outcome",
    "reason",
    "duration_ms",
)
"""What a record may carry by ``extra`` and a line then shows; nothing else is. Numbers stay numbers."""

_SECRETS = (
    (re.compile(r"([a-z0-9]{2,16}_[0-9A-Za-z]{22})_[0-9A-Za-z]{8,}"), r"\1_***"),
    (re.compile(r"(hk[dors]_)[0-9A-Za-z_-]{8,}(\.[0-9A-Za-z]+)*"), r"\1***"),
    (re.compile(r"eyJ[\w-]{4,}\.[\w-]{4,}(\.[\w-]*)?", re.ASCII), "***.jwt"),
    (re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL), "***.pem"),
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def masked(text: str) -> str:
    """*text* without API keys (prefix and id stay), our tokens, cookies and mailed secrets, JWTs and PEM blocks."""
    for pattern, stand_in in _SECRETS:
        text = pattern.sub(stand_in, text)
    return text


class Masking(logging.Filter):
    """The last filter before a line is written: settles the record's texts and masks each of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(_event(record)), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = masked(record.exc_text) if record.exc_text else None
        record.stack_info = masked(record.stack_info) if record.stack_info else None
        for name in CONTEXT:
            if not isinstance(told := getattr(record, name, 0), int | float):
                setattr(record, name, masked(str(told)))
        return True


def _event(record: logging.LogRecord) -> str:
    """A call whose arguments do not fit its text is still worth a line."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"


class JsonLines(logging.Formatter):
    """One JSON object a line: ``ts`` (RFC 3339, UTC), ``level``, ``event``, ``logger``, the context, ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **_context(record),
        }
        if error := "\n".join(filter(None, (record.exc_text, record.stack_info))):
            line["error"] = error
        return msgspec.json.encode({name: _encodable(text) for name, text in line.items()}).decode()


class ConsoleLines(logging.Formatter):
    """Time, level, logger, event, context; a traceback indented below, so that no quoted text passes for a line."""

    def format(self, record: logging.LogRecord) -> str:
        context = "".join(f" {name}={text}" for name, text in _context(record).items())
        head = f"{_time(record)} {record.levelname:<8} {record.name}: {record.getMessage()}{context}"
        below = "\n".join(filter(None, (record.exc_text, record.stack_info))).splitlines()
        return "\n    ".join(_UNPRINTABLE.sub(_escaped, line) for line in (head, *below))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _context(record: logging.LogRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in CONTEXT if hasattr(record, name)}


def _encodable(told: Any) -> Any:
    return told.encode("utf-8", "backslashreplace").decode() if isinstance(told, str) else told


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def logging_config(level: Level, form: Form) -> dict[str, Any]:
    """For `logging.config.dictConfig`, in this process or, since it holds nothing but names, in another."""
    lines = {"console": "app.logs.ConsoleLines", "json": "app.logs.JsonLines"}[form]
    through_root = {"handlers": [], "propagate": True, "level": "NOTSET"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"masking": {"()": "app.logs.Masking"}},
        "formatters": {"lines": {"()": lines}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["masking"]},
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            **dict.fromkeys(("uvicorn", "uvicorn.error", "py.warnings"), through_root),
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }


def server_options(level: Level, form: Form) -> dict[str, Any]:
    """Keyword arguments of ``uvicorn.run``. No access log: a query may hold what no log should."""
    return {"log_config": logging_config(level, form), "log_level": level, "access_log": False, "server_header": False}


def configure(level: Level, form: Form) -> None:
    """Logging of this process; warnings, and with ``json`` uncaught exceptions, become lines as well."""
    logging.config.dictConfig(logging_config(level, form))
    logging.captureWarnings(True)
    if form == "json":
        sys.excepthook = _report
        threading.excepthook = _report_thread


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("app").critical("the process ends", exc_info=(kind, error, trace))


def _report_thread(args: threading.ExceptHookArgs) -> None:
    error = args.exc_value or args.exc_type()
    logging.getLogger("app").error("a thread ended", exc_info=(args.exc_type, error, args.exc_traceback))
