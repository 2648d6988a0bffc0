"""Service keys and checkout tokens as rules of the state machine: made, used by two servers, revoked, ended.

Whoever calls with one that has ended changes nothing, a token reaches no other order, no key does more than its scopes
say, and what was done is recorded with the name of who did it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis.stateful import rule

from services.identity.checkout_tokens import BELIEVED_SECONDS
from services.identity.principal import Principal, Scope
from services.identity.service_keys import FRESH_SECONDS
from tests.proof.graphql_callers import Answer, Books, Credential, GraphQLCallers, Server
from tests.proof.machine import ORDERS, WHICH, Machine

OWNER = Principal("m", None, frozenset({"merchant"}))
SERVERS = st.sampled_from(["this", "other"])
MOST_KEYS, MOST_TOKENS = 4, 20
SLACK = 5.0  # seconds between the proof's clock and the database's
HOURS = timedelta(hours=3)
NEEDS = {
    "import": {Scope.ORDERS_WRITE},
    "update": {Scope.ORDERS_WRITE},
    "refund": {Scope.REFUNDS_WRITE},
    "cancel": {Scope.ORDERS_WRITE},
    "read": {Scope.ORDERS_READ, Scope.ORDERS_WRITE},
    "read the feed": {Scope.EVENTS_READ},
    "close a case": {Scope.REFUNDS_WRITE},
    "make a token": {Scope.ORDERS_WRITE},
    "make a key": {Scope.KEYS_WRITE},
    "revoke a key": {Scope.KEYS_WRITE},
    "pay": set[Scope](),  # no key gets a customer's secret
}
OF_A_TOKEN = ("pay", "cancel", "read")
SCOPES = st.sampled_from(
    [
        frozenset(Scope),
        frozenset({Scope.ORDERS_WRITE, Scope.REFUNDS_WRITE}),
        frozenset({Scope.ORDERS_READ, Scope.KEYS_WRITE}),
        frozenset({Scope.EVENTS_READ}),
    ]
)
WANTED = (["ORDERS_READ"], ["ORDERS_READ", "REFUNDS_WRITE"])
HIDDEN = (None, "OrderNotFound", "AttentionNotFound")


class KeysAndTokens(Machine):
    jumped_at = float("-inf")  # `seconds` of the last jump of our clocks

    def __init__(self) -> None:
        self.began = time.monotonic()
        super().__init__()
        self.service_keys: list[Credential] = []
        self.checkout_tokens: list[Credential] = []
        self._kept: list[list[Credential]] = [[], []]

    def start(self) -> None:
        super().start()
        self.callers = GraphQLCallers(self.database, lambda: self.seconds, time.time)
        self.callers.open(self.gateway, self.payments)

    @property
    def seconds(self) -> float:
        """Since the run began: those that really passed, and those that the proof lets pass. No jump changes it."""
        return time.monotonic() - self.began + self.passed.total_seconds()

    @property
    def clock(self) -> float:
        """The database's, by which keys and tokens end."""
        return self.seconds + self.skew.total_seconds()

    def jump(self, time: timedelta) -> None:
        super().jump(time)
        self.jumped_at = self.seconds

    @rule(scopes=SCOPES, ends=st.booleans())
    def a_key_is_made(self, scopes: frozenset[Scope], ends: bool) -> None:
        if len(self.service_keys) < MOST_KEYS:
            self._make_key(scopes, ends)

    def _make_key(self, scopes: frozenset[Scope], ends: bool) -> None:
        expires_at = datetime.now(UTC) + HOURS if ends else None
        keys = self.callers.servers["this"].callers.service_keys
        key, secret = self.runner.run(keys.create(OWNER, "shop", [*scopes], expires_at))
        self._note_key(str(key.id), secret, scopes, "this", HOURS.total_seconds() if ends else float("inf"))

    def _note_key(
        self, key_id: str, secret: str, scopes: frozenset[Scope], server: Server, lasts: float
    ) -> None:
        self.service_keys.append(
            Credential(
                f"key:{key_id}", secret, self.seconds, self.clock + lasts, server, scopes, key_id=key_id
            )
        )

    @rule(which=WHICH, server=SERVERS)
    def a_key_is_revoked(self, which: int, server: Server) -> None:
        if self.service_keys:
            key = self.service_keys[which % len(self.service_keys)]
            keys = self.callers.servers[server].callers.service_keys
            self.do(keys.revoke(OWNER, UUID(key.key_id)))
            self._note_end(key, server)

    def _note_end(self, key: Credential, server: Server) -> None:
        if key.ended_at is None:
            self.count("keys revoked")
            key.ended_at, key.ended_on = self.seconds, server

    @rule(order_id=ORDERS, minutes=st.sampled_from([1, 90]))
    def a_token_is_made(self, order_id: UUID, minutes: int) -> None:
        maker = self.callers.servers["this"].anonymous.use_cases.checkout_tokens
        made = self.do(maker.create(OWNER, order_id, minutes))
        if made is not None:
            lasts = (made.expires_at - datetime.now(UTC)).total_seconds()
            self._note_token(order_id, made.token, lasts)

    def _note_token(self, order_id: UUID, secret: str, lasts: float) -> None:
        if len(self.checkout_tokens) < MOST_TOKENS:
            ends = self.clock + lasts
            name = f"checkout:{order_id}"
            self.checkout_tokens.append(
                Credential(name, secret, self.seconds, ends, "this", order_id=order_id)
            )

    @rule(seconds=st.sampled_from([1.0, 2.9, 3.1, 5.1, 61.0]))
    def seconds_pass(self, seconds: float) -> None:
        """For servers, tables and Stripe alike."""
        self.pass_time(timedelta(seconds=seconds))

    @rule(order_id=ORDERS, which=WHICH, deed=st.sampled_from([*NEEDS]), server=SERVERS)
    def a_key_is_used(self, order_id: UUID, which: int, deed: str, server: Server) -> None:
        if not self.service_keys:
            return
        key = self.service_keys[which % len(self.service_keys)]
        has_ended = self._has_ended(key, server, FRESH_SECONDS)
        answer, before, after = self._call(key, server, deed, order_id)
        self.count("calls by keys")
        if has_ended or not NEEDS[deed] & key.scopes:
            assert after == before, f"changed by a key that may not {deed}: {key}"
            assert answer is None or (answer.type in HIDDEN or answer.data is None), f"{deed}: {answer}"
        if has_ended and answer is not None:
            assert answer.code == "UNAUTHENTICATED", f"{deed} by a key that has ended: {answer}"
        if self._is_known(key, server, FRESH_SECONDS) and NEEDS[deed] & key.scopes and answer is not None:
            assert answer.code not in ("UNAUTHENTICATED", "FORBIDDEN"), f"{deed} is refused: {answer}"
        self._what_was_done_is_recorded(key, before, after, "MERCHANT")
        if answer is not None and answer.type == "Refund":
            self._a_refund_has_the_name_of_who_asked(key, answer, before, after)
        self._note_what_was_made(key, deed, server, order_id, answer)

    @rule(
        order_id=ORDERS,
        which=WHICH,
        own=st.booleans(),
        deed=st.sampled_from(["pay", "read", "cancel", *NEEDS]),
        server=SERVERS,
    )
    def a_token_is_used(self, order_id: UUID, which: int, own: bool, deed: str, server: Server) -> None:
        if not self.checkout_tokens:
            return
        token = self.checkout_tokens[which % len(self.checkout_tokens)]
        assert token.order_id
        wanted = token.order_id if own else order_id
        has_ended = self._has_ended(token, server, BELIEVED_SECONDS) or self.runner.run(
            self.callers.opens_nothing(token.order_id)
        )
        answer, before, after = self._call(token, server, deed, wanted)
        self.count("calls by checkout tokens")
        if has_ended or wanted != token.order_id or deed not in OF_A_TOKEN:
            assert after == before, f"changed by a token that may not {deed} {wanted}: {token}"
            assert answer is None or (answer.type in HIDDEN or answer.data is None), f"{deed}: {answer}"
        if has_ended and answer is not None:
            assert answer.code == "UNAUTHENTICATED", f"{deed} by a token that has ended: {answer}"
        self._what_was_done_is_recorded(token, before, after, "CUSTOMER")
        if answer is not None and answer.data is not None and answer.type == "PaymentIntent":
            self.world.released.add(answer.data["id"])

    def _has_ended(self, credential: Credential, server: Server, bound: float) -> bool:
        """For sure: after the bound that the docs promise, or at once on the server that ended it."""
        ended_at = credential.ended_at
        is_revoked = ended_at is not None and (
            self.seconds - ended_at > bound or credential.ended_on in (server, None)
        )
        is_over = self.clock > credential.ends + SLACK and self.seconds - self.jumped_at > bound
        return credential.is_gone or is_revoked or is_over

    def _is_known(self, credential: Credential, server: Server, bound: float) -> bool:
        """Whether it is good for sure, and the server has had the time to hear of it."""
        was_over = self.has_jumped_back and credential.ends < float("inf")  # and may be deleted
        is_good = not (credential.is_gone or credential.ended_at is not None or was_over)
        is_good &= self.clock < credential.ends - SLACK
        return is_good and (credential.born_on == server or self.seconds - credential.born > bound)

    def _call(
        self, credential: Credential, server: Server, deed: str, order_id: UUID
    ) -> tuple[Answer | None, Books, Books]:
        """No answer when the process died of it."""
        before: Books = self.runner.run(self.callers.books())
        variables = self._variables(deed, order_id)
        answer: Answer | None = self.do(self.callers.call(server, credential.secret, deed, variables))
        return answer, before, self.runner.run(self.callers.books())

    def _variables(self, deed: str, order_id: UUID) -> dict[str, Any]:
        self.keys += 1
        line = {"name": "Lamp", "unitAmount": 900 + self.keys % 3 * 300}
        of: dict[str, Callable[[], dict[str, Any]]] = {
            "import": lambda: {
                "input": {
                    "reference": f"K-{self.keys}",
                    "currency": "USD",
                    "lines": [line],
                    "total": line["unitAmount"],
                }
            },
            "update": lambda: {
                "input": {
                    "orderId": str(order_id),
                    "expectedVersion": self._version(order_id),
                    "lines": [line],
                    "total": line["unitAmount"],
                }
            },
            "refund": lambda: {
                "input": {"orderId": str(order_id), "amount": 100, "idempotencyKey": f"K-{self.keys}"}
            },
            "read the feed": dict,
            "close a case": lambda: {"id": self._open_case()},
            "make a token": lambda: {"id": str(order_id), "minutes": 90},
            "make a key": lambda: {"input": {"name": "another", "scopes": WANTED[self.keys % 2]}},
            "revoke a key": lambda: {
                "id": self.service_keys[0].key_id if self.service_keys else str(uuid4())
            },
        }
        return of.get(deed, lambda: {"id": str(order_id)})()

    def _version(self, order_id: UUID) -> int:
        orders = self.runner.run(self.callers.books()).tables["orders"]
        return next((row["version"] for row in orders if row["id"] == str(order_id)), 1)

    def _open_case(self) -> str:
        page = self.runner.run(self.cases.page(first=1, after=None, is_open=True))
        return str(page.items[0].id) if page.items else str(uuid4())

    def _what_was_done_is_recorded(
        self, credential: Credential, before: Books, after: Books, reason: str
    ) -> None:
        for table, row in after.new_since(before):
            assert row["done_by"] == credential.name, f"{table}: {row} was done by {credential.name}"
        assert not after.renamed_since(before), (
            f"not done by {credential.name}: {after.renamed_since(before)}"
        )
        assert after.canceled_since(before) <= {reason.lower()}, f"canceled by {credential.name}"

    def _a_refund_has_the_name_of_who_asked(
        self, key: Credential, answer: Answer, before: Books, after: Books
    ) -> None:
        self.count("refunds by keys")
        assert answer.data
        asked = [row["done_by"] for table, row in after.new_since(before) if table == "refunds"]
        assert asked == [key.name], f"a refund that {key.name} asked for was asked for by {asked}"
        assert answer.data["requestedBy"] == key.name, f"{answer} to {key.name}"

    def _note_what_was_made(
        self, key: Credential, deed: str, server: Server, order_id: UUID, answer: Answer | None
    ) -> None:
        if answer is None or answer.data is None:
            return
        if answer.type == "NewServiceKey":
            made = answer.data["key"]["id"]
            scopes = frozenset(Scope[name] for name in answer.data["key"]["scopes"])
            assert scopes <= key.scopes, f"it may do more than {key}"
            assert key.ends == float("inf"), f"it outlives {key}"
            self._note_key(made, answer.data["secret"], scopes, server, float("inf"))
        if answer.type == "CheckoutToken":
            self._note_token(order_id, answer.data["token"], 90 * 60)
        if answer.type == "ServiceKey":
            self._note_end(self.service_keys[0], server)
        if answer.type == "Order" and deed == "import":
            self.count("orders imported by keys")

    def keep_credentials(self) -> None:
        """With a backup of the tables."""
        self._kept = [
            [replace(each) for each in self.service_keys],
            [replace(each) for each in self.checkout_tokens],
        ]

    def restore_credentials(self) -> None:
        """With the backup: what was made since is gone, and what was revoked since is good again."""
        keys, tokens = ({each.secret: each for each in kept} for kept in self._kept)
        for known, kept in ((self.service_keys, keys), (self.checkout_tokens, tokens)):
            for each in known:
                old = kept.get(each.secret)
                each.is_gone = old is None or old.is_gone
                each.ended_at, each.ended_on = (
                    (old.ended_at, None) if old and old.ended_at is not None else (None, None)
                )
