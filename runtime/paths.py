"""A path with a slash at its end and the same one without are one place, and both answer, without a redirect."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send


class EitherPath:
    """Middleware that reads a path as the one of `paths` that it differs from by a slash at the end.

    Starlette would redirect, to the Host and the scheme that the request claims: a POST's body and its token would be
    lost on the way, or go where an attacker wants them.
    """

    def __init__(self, app: ASGIApp, paths: Iterable[str]) -> None:
        self._app = app
        known = frozenset(paths) - {"/"}
        others = {path.removesuffix("/") if path.endswith("/") else f"{path}/": path for path in known}
        self._meant = {other: path for other, path in others.items() if other not in known}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        meant = self._meant.get(scope.get("path", ""))
        await self._app({**scope, "path": meant} if meant else scope, receive, send)
