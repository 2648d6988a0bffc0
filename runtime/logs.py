"""One line an event, structured; secrets are redacted, wherever they come from."""

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from runtime.encoding import to_json
from runtime.observation import Observation, current

# API keys, webhook secrets, client secrets, the password of a URL, and credentials of a header. A key is found inside
# a longer word too.
_SECRET = re.compile(
    r"(?:sk|rk)_(?:live|test)_\w+|whsec_\w+|pg[kc]_\w+|\b\w+_secret_\w+|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
    r"|\b(?i:bearer|basic)\s+[\w.~+/=-]{8,}"
)
# Anything shaped like a JWT, with what stands before it in its first part. A part is looked through from its beginning,
# once, and only if two dots follow: from each `eyJ` on, a long text would be read over and over.
_JWT = re.compile(r"(?<![\w-])(?=[\w-]++\.[\w-]++\.)[\w-]*?\beyJ[\w-]++\.[\w-]++\.[\w-]*+")
BLOT = "[secret]"


def without_secrets(text: str) -> str:
    """The text with each secret struck out, in a time that grows with its length and no faster."""
    return _SECRET.sub(BLOT, _JWT.sub(BLOT, text))


def _cleaned(value: Any) -> Any:
    """The same to look at, without secrets at any depth; anything but plain data becomes its repr."""
    match value:
        case str():
            return without_secrets(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {_cleaned(key): _cleaned(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_cleaned(inner) for inner in value]
    return without_secrets(repr(value))


LONGEST_VALUE = 8_000  # characters; a traceback has some 5,000


def _redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {key: _cleaned(value) for key, value in event.items()}


def _bounded(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """What a stranger named may be long; a log is read by people and paid for by bytes."""
    return {
        key: f"{value[:LONGEST_VALUE]}…" if isinstance(value, str) and len(value) > LONGEST_VALUE else value
        for key, value in event.items()
    }


def _of_request(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """What is logged while a request is answered has its id, and its trace's where there is one."""
    seen = current.get()
    if seen is None:
        return event
    of_trace = {"trace_id": seen.trace_id} if seen.trace_id else {}
    return {**event, "request_id": seen.request_id, **of_trace}


def request_line(
    seen: Observation, seconds: float, status: int | None = None, path: str | None = None
) -> None:
    """The one line of a request; faults have one of their own besides. Without a status it came over a socket.

    It passes by structlog's chain, which costs as much as a tenth of the whole request; all that a client chose in
    it is the user's id and a request id that was judged before.
    """
    if not _requests.isEnabledFor(logging.INFO):
        return
    about = {
        "request_id": seen.request_id,
        "trace_id": seen.trace_id,
        "operation": seen.operation,
        "result": seen.result,
        "status": status,
        "path": path,
        "user": without_secrets(seen.user) if seen.user else None,
        "order": seen.order,
        "payment": seen.payment,
        "event": seen.event,
        "stripe_request": seen.stripe_request,
        "duration_ms": round(seconds * 1_000, 2),
    }
    told: Any = {name: value for name, value in about.items() if value is not None}
    _requests.handle(logging.LogRecord(_requests.name, logging.INFO, "", 0, told, None, None))


class _RequestLine(logging.Formatter):
    """Of the record of a `request_line`, whose message is its fields."""

    def __init__(self, style: str, stream: TextIO) -> None:
        super().__init__()
        self._console = structlog.dev.ConsoleRenderer(colors=stream.isatty()) if style == "console" else None

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        head = {"timestamp": moment, "level": record.levelname.lower(), "logger": record.name}
        fields: Any = record.msg
        if self._console is None:
            return to_json({**head, "message": "request", **fields}, str).decode()
        return str(self._console(None, "info", {**head, "event": "request", **fields}))


_requests = logging.getLogger("paygraph.requests")
WORKER_DIED = re.compile(r"Child process \[(\d+)\] died")  # what uvicorn says of one, with its process id


class _UvicornLines(logging.Filter):
    """uvicorn's lines at the level that they deserve here; `level` is the least that is written."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        # A socket's broken text comes as an error, with a traceback: anybody could fill the log.
        if record.msg == "Invalid UTF-8 sequence received from client.":
            return False
        # A worker that died was killed, for its memory or since it hung. uvicorn tells it at `info`.
        if WORKER_DIED.fullmatch(record.getMessage()):
            record.levelno, record.levelname = logging.ERROR, "ERROR"
        return record.levelno >= self._level


def configure(level: str, style: str, *, to: TextIO | None = None) -> None:
    """`style` is `json`, a line for machines, or `console`, a line for people. They go to stderr if nowhere else."""
    stream = to or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _of_request,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(style, stream))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    _write_requests(logging.StreamHandler(stream), _RequestLine(style, stream))
    for name in ("alembic", "httpx", "stripe"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    errors = logging.getLogger("uvicorn.error")
    errors.filters[:] = [_UvicornLines(root.level)]
    errors.setLevel(logging.INFO)
    # It holds query strings, and a line a request costs a tenth of the CPU.
    logging.getLogger("uvicorn.access").handlers.clear()
    logging.getLogger("uvicorn.access").propagate = False


def _write_requests(handler: logging.Handler, form: logging.Formatter) -> None:
    handler.setFormatter(form)
    _requests.handlers[:] = [handler]
    _requests.propagate = False


def _rendering(style: str, stream: TextIO) -> list[Processor]:
    first: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _redact,
        _bounded,
    ]
    if style == "console":
        return [*first, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    return [*first, structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()]
