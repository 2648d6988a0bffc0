"""How a request arrives: its head (its line and headers) within bytes, all of it within time, and its body as its own.

uvicorn reads a head of any length, and waits for ever for the rest of a request. A proxy in front bounds both too; this
is for who has none, and for what gets past it.
"""

from asyncio import TimerHandle, Transport
from collections.abc import Mapping

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from runtime.http_heads import is_clear_head

MOST_BYTES = 32_768  # of a head; a bearer token has 8 KB at most
MOST_HEADERS = 100
# Requests that are sent before the first is answered: each is read, and kept, before its turn.
MOST_AHEAD = 20
PATIENCE = 15.0  # seconds for a whole request, and for the first byte on a new connection
READING_PATIENCE = 30.0  # seconds for a client to read what was written, once that no longer fits its buffers
BODY = b'{"errors":[{"message":"%s","extensions":{"code":"%s"}}]}'
ANSWER = (
    b"HTTP/1.1 %s\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%s"
)


# What uvicorn bounds by itself. No access log, since it would hold query strings.
SERVER_BOUNDS: Mapping[str, object] = {
    "http": "runtime.http_edge:BoundedArrival",
    "ws": "runtime.socket_edge:BoundedFrames",
    "timeout_graceful_shutdown": 20,
    # A worker that imports on a quarter of a core answers no request for some 5 seconds, uvicorn's own patience.
    "timeout_worker_healthcheck": 30,
    "ws_max_size": 100_000,
    "ws_per_message_deflate": False,  # answers are small, and each socket would hold its windows: 45 KB
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,  # who doesn't answer is gone
    "log_config": None,
    "access_log": False,
    "server_header": False,
}


class _Refused(Exception):
    """Ends the parsing; the parser reports it as broken HTTP."""


def _parser_of(protocol: HttpToolsProtocol) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
    return parser


class BoundedArrival(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, which answers 431 to a head that is too large (RFC 6585) and 408 to a request that doesn't
    come whole (RFC 9110, 15.5.9), and closes the connection."""

    patience = PATIENCE
    reading_patience = READING_PATIENCE

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._unread: TimerHandle | None = None
        self._in_head = self._is_coming = True
        self._head_bytes = self._header_count = 0
        self._last_answer: bytes | None = None  # for the request that ends the connection
        self._due: TimerHandle | None = self.loop.call_later(self.patience, self._give_up)

    def data_received(self, data: bytes) -> None:
        began_before = self._in_head
        if not self._is_ending():  # after a refusal nothing more is parsed
            self._feed(data)
        if not self._is_coming or self._is_ending():
            return
        if self._in_head and began_before:  # of a header without an end the parser says nothing
            self._head_bytes += len(data)
        if self._is_too_large():
            self._refuse()
        elif self._due is None:
            self._due = self.loop.call_later(self.patience, self._give_up)

    def _feed(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = self._after_upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
                return

    def _after_upgrade(self, rest: bytes) -> bytes:
        """What is still to be read as HTTP, behind a head that asked for an upgrade.

        httptools ends a request at such a head, spoken here or not, and takes the body for the next request. An
        upgrade that we don't speak is ignored (RFC 9110, 7.8): the head without it is read anew, then its body.
        """
        if self.parser.get_method() == b"CONNECT":
            self._answer(b"400 Bad Request", "This server is not a proxy.", b"BAD_REQUEST")
        elif not self._asks_for_websocket():
            head = self._head_without_upgrade()
            self.parser = _parser_of(self)
            return head + rest
        elif self._may_open_websocket():
            self.handle_websocket_upgrade()
        else:
            self._refuse_websocket()
        return b""

    def _asks_for_websocket(self) -> bool:
        wanted = [value.strip().lower() for name, value in self.headers if name == b"upgrade"]
        return wanted == [b"websocket"] and self._should_upgrade_to_ws()

    def _may_open_websocket(self) -> bool:
        """A handshake is a GET without a body, on a connection that answers nothing else at the moment."""
        cycle: RequestResponseCycle | None = self.cycle
        has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self.headers
        )
        is_quiet = cycle is None or cycle.response_complete
        is_get = self.parser.get_method() == b"GET" and self.parser.get_http_version() == "1.1"
        return is_get and not has_body and is_quiet and self._is_clear()

    def _refuse_websocket(self) -> None:
        message = "A WebSocket is opened by a GET without a body (RFC 6455, 4.1)."
        self._answer(b"400 Bad Request", message, b"BAD_REQUEST")

    def _head_without_upgrade(self) -> bytes:
        first_line = b"%s %s HTTP/%s\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        lines = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        return b"".join((first_line, *lines, b"\r\n"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._is_coming = True
        self._head_bytes = self._header_count = 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # what stands behind a body names nobody and nothing (RFC 9110, 6.5.1)
            super().on_header(name, value)
        self._header_count += 1
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():  # see `_after_upgrade`, which the parser leads to next
            return
        if not self._is_clear() or self._is_too_far_ahead():
            raise _Refused
        super().on_headers_complete()
        self._in_head = False

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._is_coming = False
        self._forget_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._last_answer is not None and not self.transport.is_closing():
            self.transport.write(self._last_answer)
            self.transport.close()
        if self.transport.is_closing():
            self._cut_off_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        self._forget_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """What was written waits for a client that doesn't read; closing would wait for it too."""
        super().pause_writing()
        self._cut_off_later()

    def resume_writing(self) -> None:
        if not self.transport.is_closing():  # else the rest may still be unread
            self._forget_unread()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._cut_off_later()

    def _cut_off_later(self) -> None:
        """Also where what is unread fits the buffers."""
        if self._unread is None:
            self._unread = self.loop.call_later(self.reading_patience, self.transport.abort)

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def handle_websocket_upgrade(self) -> None:
        self._is_coming = False
        self._forget_timer()
        self.scope["method"] = "GET"
        super().handle_websocket_upgrade()
        opened = self.transport.get_protocol()
        # A head that its own parser can't read it never answers.
        if not getattr(opened, "handshake_initiated", True):
            self._refuse_websocket()

    def send_400_response(self, msg: str) -> None:
        if self._is_too_large():
            self._refuse()
        elif self._in_head and self._is_too_far_ahead():
            message = f"At most {MOST_AHEAD} requests may be sent ahead of their answers."
            self._answer(b"400 Bad Request", message, b"BAD_REQUEST")
        else:
            self._answer(b"400 Bad Request", msg, b"BAD_REQUEST")

    def _is_clear(self) -> bool:
        version = self.parser.get_http_version()
        return is_clear_head(version, self.url, self.headers)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._is_too_large():
            raise _Refused

    def _is_too_large(self) -> bool:
        return self._head_bytes > MOST_BYTES or self._header_count > MOST_HEADERS

    def _is_too_far_ahead(self) -> bool:
        return len(self.pipeline) >= MOST_AHEAD

    def _is_ending(self) -> bool:
        return self._last_answer is not None or self.transport.is_closing()

    def _refuse(self) -> None:
        message = f"A request's line and headers have at most {MOST_BYTES} bytes, in {MOST_HEADERS} headers."
        self._answer(b"431 Request Header Fields Too Large", message, b"HEADERS_TOO_LARGE")

    def _give_up(self) -> None:
        self._due = None
        if self.flow.read_paused:  # the server is not reading: the request waits for its turn behind another
            self._due = self.loop.call_later(self.patience, self._give_up)
        elif not self._is_ending():
            message = f"The request did not come whole within {self.patience:g} seconds."
            self._answer(b"408 Request Timeout", message, b"TIMEOUT")

    def _answer(self, status: bytes, message: str, code: bytes) -> None:
        """Refuse what is read now, once those before it are answered; the connection ends with it."""
        body = BODY % (message.encode(), code)
        answer = ANSWER % (status, len(body), body)
        cycle: RequestResponseCycle | None = self.cycle
        is_in_body = self._is_coming and not self._in_head  # so this request is the application's already
        if is_in_body and not self.pipeline:  # and it has answered, or may be in the middle of it
            self.transport.close()
        elif not is_in_body and (cycle is None or cycle.response_complete):
            self.transport.write(answer)
            self.transport.close()
        else:
            if is_in_body:  # the last one that waits, for a body that will not come
                self.pipeline.popleft()
            self._last_answer = answer
            self._forget_timer()
        if self.transport.is_closing():
            self._cut_off_later()

    def _forget_timer(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
