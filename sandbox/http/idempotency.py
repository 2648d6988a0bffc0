"""Idempotency-Key as Stripe documents it: https://docs.stripe.com/api/idempotent_requests.

The first result of an endpoint that began to run is kept and replayed, 500s and card errors included. What was
refused before (validation, authentication, rate limits) is not kept. Keys are forgotten after 24 hours.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.account.clock import Clock
from sandbox.http.answers import Answer, Object
from sandbox.http.errors import invalid, key_in_use, key_reused

LONGEST_KEY = 255
KEPT_SECONDS = 24 * 3600


@dataclass(slots=True)
class _Record:
    made: float
    path: str
    fingerprint: str
    request_id: str
    answer: Answer | None = None  # None while the first call is in flight


class Ledger:
    """Which keys were used, for what, and what came of it. `on_record` is told each finished one, to be persisted."""

    def __init__(self, clock: Clock, on_record: Callable[[str, Object], None]) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._on_record = on_record

    def __len__(self) -> int:
        return len(self._records)

    def begin(self, scope: str, key: str, path: str, params: Object, request_id: str) -> Answer | None:
        """The stored answer to replay, or None: then the caller holds the key until `finish` or `release`.

        409 while another call holds it, 400 when path or parameters differ, 400 for a key over 255 characters.
        """
        if len(key) > LONGEST_KEY:
            raise invalid(
                f"The Idempotency-Key may have up to {LONGEST_KEY} characters; yours has {len(key)}."
            )
        self._prune()
        print_of = fingerprint(params)
        record = self._records.get(_name(scope, key))
        if record is None:
            self._records[_name(scope, key)] = _Record(self._clock.time(), path, print_of, request_id)
            return None
        if record.answer is None:
            raise key_in_use(key)
        if record.path != path:
            raise key_reused(
                key, f"for the same endpoint they were first used for ('{path}' rather than '{record.path}')"
            )
        if record.fingerprint != print_of:
            raise key_reused(key, "with the same parameters they were first used with")
        return record.answer.with_headers(
            {"Idempotent-Replayed": "true", "Original-Request": record.request_id}
        )

    def finish(self, scope: str, key: str, answer: Answer) -> None:
        """Keep the first result."""
        record = self._records[_name(scope, key)]
        record.answer = answer
        self._on_record(_name(scope, key), _stored(record, answer))

    def release(self, scope: str, key: str) -> None:
        """Let go of a key whose call left nothing to keep; a finished one stays."""
        record = self._records.get(_name(scope, key))
        if record is not None and record.answer is None:
            del self._records[_name(scope, key)]

    def restore(self, name: str, value: Object) -> None:
        answer = Answer(status=value["status"], body=value["body"].encode(), headers=value["headers"])
        made, path, print_of = value["made"], value["path"], value["fingerprint"]
        self._records[name] = _Record(made, path, print_of, value["request_id"], answer)

    def clear(self) -> None:
        self._records.clear()

    def _prune(self) -> None:
        # Records stand in the order they were made, so only the oldest are looked at.
        oldest = self._clock.time() - KEPT_SECONDS
        while self._records:
            name, record = next(iter(self._records.items()))
            if record.made > oldest or record.answer is None:
                return
            del self._records[name]


def fingerprint(params: Object) -> str:
    """Equal for equal parameters in any order."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


def _name(scope: str, key: str) -> str:
    return f"{scope} {key}"


def _stored(record: _Record, answer: Answer) -> Object:
    return {
        "made": record.made,
        "path": record.path,
        "fingerprint": record.fingerprint,
        "request_id": record.request_id,
        "status": answer.status,
        "body": answer.body.decode(),
        "headers": dict(answer.headers),
    }
