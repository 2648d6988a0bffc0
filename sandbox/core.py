"""The sandbox without HTTP: one call is a generator that says when time should pass, and ends in an answer.

`app.py` drives it with real sleeps; a test drives it with `Sandbox.call`, or step by step to interleave two calls.
"""

from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, TypedDict, Unpack

from sandbox.account.account import Account, Cause
from sandbox.account.clock import Clock
from sandbox.account.ids import ACCOUNT_ID, new_id
from sandbox.account.journal import Entry, Journal, without_secrets
from sandbox.account.persistence import StateFile
from sandbox.config import SandboxConfig
from sandbox.faults import Disguises, Fault, FaultBook, Permissions, Rule, parse_fault
from sandbox.http.answers import Answer, ApiRequest, Object, json_answer
from sandbox.http.api import Endpoint, find_endpoint, run
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError, invalid, secret_key_required
from sandbox.http.forms import decode, encode
from sandbox.http.idempotency import Ledger
from sandbox.http.keys import caller_of
from sandbox.http.parameters import Parameters
from sandbox.http.rates import RateLimit
from sandbox.http.versions import ACCOUNT_DEFAULT
from sandbox.objects import authorizations, disputes, refunds, taking
from sandbox.objects.strangers import Strangers
from sandbox.operations import Operations
from sandbox.webhooks.dispatch import Dispatch, SignedWebhook, Webhooks

_EXECUTED = {"Stripe-Should-Retry": "false"}  # what Stripe says of a POST that did its work
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Wait:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Deliver:
    """Deliver these events before going on: they are to arrive before the call's own answer."""

    dispatches: list[Dispatch]


class SickOptions(TypedDict, total=False):
    """How long an object is sick: for so many calls, or so many seconds of the sandbox's clock."""

    times: int | None
    lasts: float | None


class CallOptions(TypedDict, total=False):
    """How a call is made: `key` (the first secret key if absent), `idempotency_key`, and lower-case `headers`."""

    key: str | None
    idempotency_key: str | None
    headers: Mapping[str, str] | None


Steps = Generator[Wait | Deliver, None, Answer]


class Sandbox(Operations):
    """One account, its keys, faults, journal and webhooks. Stripe's semantics; amounts are minor units throughout."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.clock = Clock()
        self.journal = Journal()
        self.faults = FaultBook(config.seed, self.clock)
        self.permissions = Permissions()
        self.disguises = Disguises()
        self.rates = RateLimit(self.clock)
        self._file = StateFile(config.state_file) if config.state_file is not None else None
        self.account = Account(self.clock, self._file, lambda event: self.webhooks.take_event(event))
        self.webhooks = Webhooks(
            self.account,
            self.journal,
            url=config.webhook_url,
            secret=config.webhook_secret,
            style=config.webhook_style,
            seed=config.seed,
            shown=self.disguises.shown,
        )
        self.strangers = Strangers(self.account, self.webhooks.redeliver)
        self.ledger = Ledger(self.clock, self._persist_key)
        self._restore()

    @property
    def state(self) -> Account:
        """The account: `state.payment_intents`, `state.events` and so on are tables of objects."""
        return self.account

    def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> Answer:
        """One API call inside the process. Waits take no time; an answer with wire "reset" is a lost connection."""
        return self._driven(self.steps(self.request(method, path, params, **options)))

    def request(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> ApiRequest:
        """The request that `call` makes, for those who want to drive `steps` themselves. `params` may be nested."""
        first = self.config.secret_keys[0] if self.config.secret_keys else "sk_test_any"
        sent = {"authorization": f"Bearer {options.get('key') or first}", **(options.get("headers") or {})}
        idempotency_key = options.get("idempotency_key")
        if idempotency_key is not None:
            sent["idempotency-key"] = idempotency_key
        form = encode(params or {})
        if method == "POST":
            return ApiRequest(method=method, path=path, body=form.encode(), headers=sent)
        return ApiRequest(method=method, path=path, query=form, headers=sent)

    def _driven(self, steps: Steps) -> Answer:
        try:
            while True:
                step = next(steps)
                if isinstance(step, Deliver):
                    for dispatch in step.dispatches:
                        self.webhooks.send(dispatch)
        except StopIteration as end:
            answer: Answer = end.value
            return answer

    def webhook(self, event_id: str) -> SignedWebhook:
        """An event's body and signature, for a test that delivers by itself."""
        return self.webhooks.signed(event_id)

    def reset(self) -> None:
        """Forget all objects, strangers, keys, settings, faults, limits, a seed and the journal.

        The clock and the configured webhook endpoint stay.
        """
        self.account.reset()
        self.strangers.clear()
        self.permissions.clear()
        self.disguises.clear()
        self.ledger.clear()
        self.faults.clear()
        self.rates.set(None)
        self.webhooks.clear()
        self.faults.sow(self.config.seed)
        self.webhooks.sow(self.config.seed)
        self.journal.clear()

    def close(self) -> None:
        """Close the state file."""
        if self._file is not None:
            self._file.close()

    def _persist_key(self, name: str, value: Object) -> None:
        if self._file is not None:
            self._file.append("idempotency_key", name, value)

    def _restore(self) -> None:
        for line in self._file.lines() if self._file is not None else ():
            if not self.account.restore(line["kind"], line["object"]):
                self.ledger.restore(line["id"], line["object"])
        for module in (refunds, disputes, authorizations, taking):
            module.resume(self.account)
        self.webhooks.resume()

    def pass_time(self, seconds: float = 0.0) -> None:
        """Advance the clock and let happen what is due by then: lapses, refunds that fail, disputes that are lost."""
        self.clock.advance(seconds)
        self.account.schedule.run_due()

    def make_sick(
        self, object_id: str, fault: Fault | str, *, method: str = "*", **when: Unpack[SickOptions]
    ) -> Rule:
        """Calls about one object meet a fault, for ever unless `times` or `lasts` says otherwise; a text is parsed."""
        parsed = parse_fault(fault) if isinstance(fault, str) else fault
        times, lasts = when.get("times"), when.get("lasts")
        return self.faults.add(Rule(fault=parsed, object=object_id, method=method, times=times, lasts=lasts))

    def cure(self, object_id: str) -> None:
        """Nothing is wrong with this object any more; it is shown as it is."""
        self.faults.cure(object_id)
        self.disguises.take_off(object_id)

    def disguise(self, object_id: str, *, without: Collection[str] = (), **change: Any) -> None:
        """Show an object with these fields changed or left out: when read, in lists, in events and webhooks."""
        self.disguises.put_on(object_id, change, without)

    def steps(self, request: ApiRequest) -> Steps:
        """Answer one call. ValueError for a `Sandbox-Fault` header that names no known fault."""
        self.account.schedule.run_due()
        fault = self.faults.take(request)
        request_id = new_id("req")
        entry = self.journal.add(_entry(request, request_id, fault, self.clock.time()))
        try:
            answer = yield from self._answer(request, request_id, fault, entry)
        except StripeError as error:
            answer = error.logged(request_id, self.clock.time()).answer()
        entry |= {"status": answer.status, "wire": answer.wire, "seconds": self.clock.time() - entry["at"]}
        entry["replayed"] = "Idempotent-Replayed" in answer.headers
        return answer.with_headers(self._headers(request, request_id))

    def _headers(self, request: ApiRequest, request_id: str) -> dict[str, str]:
        headers = {
            "Date": formatdate(self.clock.time(), usegmt=True),
            "Request-Id": request_id,
            "Stripe-Version": request.headers.get("stripe-version", ACCOUNT_DEFAULT),
        }
        key = request.headers.get("idempotency-key")
        if key is not None and request.method == "POST":
            headers |= {"Idempotency-Key": key, "Original-Request": request_id}
        return headers

    def _answer(self, request: ApiRequest, request_id: str, fault: Fault | None, entry: Entry) -> Steps:
        delay = self.faults.delay()
        if delay:
            yield Wait(delay)
        tree = _tree(request)
        entry["params"] = without_secrets(tree)
        caller = caller_of(self.config, request, tree, self.permissions.knows)
        endpoint, ids = find_endpoint(request.method, request.path)
        if caller.publishable and not endpoint.public:
            raise secret_key_required()
        if not caller.publishable:
            self.permissions.check(caller.key, request.method, request.path)
        self.rates.check(endpoint.name)
        if (
            fault is not None
            and fault.point == "before"
            and not fault.executed
            and fault.kind != "slow_header"
        ):
            return (yield from self._spoiled(fault, None, request))
        params = Parameters({name: value for name, value in tree.items() if name != "key"})
        version = request.headers.get("stripe-version", ACCOUNT_DEFAULT)
        call = Call(
            params=params,
            id=ids[0],
            inner=ids[1],
            publishable=caller.publishable,
            version=version,
            base_url=request.base_url,
        )
        if fault is not None and fault.point == "later":
            return self._done_later(endpoint, call, request, request_id, fault)
        answer = yield from self._kept(endpoint, call, request, request_id, fault)
        if fault is not None and fault.point == "after" and not fault.executed:
            return (yield from self._spoiled(fault, answer, request))
        return answer

    def _spoiled(self, fault: Fault, answer: Answer | None, request: ApiRequest) -> Steps:
        if fault.kind in ("hang", "slow_header"):
            yield Wait(fault.seconds)
        return fault.answer(answer, request)

    def _kept(
        self, endpoint: Endpoint, call: Call, request: ApiRequest, request_id: str, fault: Fault | None
    ) -> Steps:
        """Run the endpoint once per idempotency key. The key is held while the first call runs, slowly or not."""
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        scope = request.headers.get("stripe-account", ACCOUNT_ID)
        if key is not None:
            stored = self.ledger.begin(scope, key, request.path, call.params.tree, request_id)
            if stored is not None:
                return stored
        try:
            if fault is not None and fault.point == "before" and fault.kind == "slow_header":
                yield Wait(fault.seconds)
            with self.account.caused_by(Cause(request_id, key)):
                answer, recorded = self._run(endpoint, call, request, request_id, fault)
            if key is not None and recorded:
                self.ledger.finish(scope, key, answer)
            early = self.webhooks.take_early()
            if early:
                yield Deliver(early)
            return answer
        finally:
            if key is not None:
                self.ledger.release(scope, key)

    def _done_later(
        self, endpoint: Endpoint, call: Call, request: ApiRequest, request_id: str, fault: Fault
    ) -> Answer:
        """Answered now, and done some seconds later. Its key keeps a 500 at once; otherwise it is in use until then."""
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        scope = request.headers.get("stripe-account", ACCOUNT_ID)
        if key is not None:
            stored = self.ledger.begin(scope, key, request.path, call.params.tree, request_id)
            if stored is not None:
                return stored
        answer = fault.answer(None, request)
        if key is not None and fault.executed:
            self.ledger.finish(scope, key, answer)

        def do() -> None:
            with self.account.caused_by(Cause(request_id, key)):
                done, _ = self._run(endpoint, call, request, request_id, None)
            if key is not None and not fault.executed:
                self.ledger.finish(scope, key, done)

        self.account.schedule.at(self.clock.time() + fault.seconds, do)
        return answer

    def _run(
        self, endpoint: Endpoint, call: Call, request: ApiRequest, request_id: str, fault: Fault | None
    ) -> tuple[Answer, bool]:
        """The endpoint's answer and whether its key keeps it; an ordered 500 or 402 takes its place."""
        if fault is not None and fault.executed and fault.point == "before":
            return fault.answer(None, request), True
        try:
            made = json_answer(self.disguises.shown(run(self.account, endpoint, call)))
            answer, recorded = (made.with_headers(_EXECUTED) if request.method == "POST" else made), True
        except StripeError as error:
            answer, recorded = error.logged(request_id, self.clock.time()).answer(), error.recorded
        if fault is not None and fault.executed:
            return fault.answer(None, request), True
        return answer, recorded


def _entry(request: ApiRequest, request_id: str, fault: Fault | None, at: float) -> Entry:
    return {
        "kind": "call",
        "at": at,
        "method": request.method,
        "path": request.path,
        "params": {},
        "idempotency_key": request.headers.get("idempotency-key"),
        "request_id": request_id,
        "status": None,
        "replayed": False,
        "wire": None,
        "seconds": None,
        "fault": fault and f"{fault.kind} {fault.point}",
    }


def _tree(request: ApiRequest) -> Object:
    """Parameters of the query and of a form body together; any other kind of body is refused."""
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if request.body and kind != _FORM:
        raise invalid(f"Invalid request: the body must be {_FORM}, not {kind}.")
    try:
        body = request.body.decode()  # `curl -d name=Zoë` sends letters as they are, which Stripe takes
    except UnicodeDecodeError as error:
        raise invalid("Invalid request: the body is not form-encoded.") from error
    return decode("&".join(part for part in (request.query, body) if part))
