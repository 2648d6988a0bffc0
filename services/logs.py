"""One line an event, structured; secrets are blotted out wherever they come from."""

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# API keys, webhook secrets, client secrets, bearer tokens and anything shaped like a JWT.
_SECRET = re.compile(
    r"\b(?:sk|rk)_(?:live|test)_\w+|\bwhsec_\w+|\b(?:pi|seti)_\w+_secret_\w+|\bBearer\s+\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
)
BLOT = "[secret]"


def without_secrets(text: str) -> str:
    return _SECRET.sub(BLOT, text)


def _blot(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {key: without_secrets(value) if isinstance(value, str) else value for key, value in event.items()}


def configure(level: str, style: str) -> None:
    """`style` is `json`, a line for machines, or `console`, a line for people."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(style))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("alembic", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _rendering(style: str) -> list[Processor]:
    first: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _blot,
    ]
    if style == "console":
        return [*first, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [*first, structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()]
