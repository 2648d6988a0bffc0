"""What can be ordered over the control API: docs/sandbox.md lists it."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sandbox.account.dashboard import RefundPlan
from sandbox.core import Sandbox
from sandbox.faults import Rule, fault_from
from sandbox.http.answers import Object
from sandbox.objects.strangers import Application
from sandbox.webhooks.dispatch import webhook_fault_from
from sandbox.webhooks.endpoints import require_endpoint

Body = dict[str, Any]
Order = Callable[[Sandbox, Body, str], Any]


def _faults(sandbox: Sandbox, body: Body, _: str) -> Object:
    """Add a rule (`fault`, `method`, `path`, `nth`, `times` …), set `latency`, `jitter`, `rate_limit` or `seed`."""
    if "seed" in body:
        sandbox.faults.sow(int(body["seed"]))
        sandbox.webhooks.sow(int(body["seed"]))
    for name in ("latency", "jitter"):
        if name in body:
            setattr(sandbox.faults, name, float(body[name]))
    if "rate_limit" in body:
        sandbox.rates.set(body["rate_limit"])
    if "fault" in body:
        names = ("method", "path", "object", "nth", "times", "lasts", "probability")
        sandbox.faults.add(Rule(fault=fault_from(body["fault"]), **_only(body, *names)))
    return {
        "rules": [rule.as_json() for rule in sandbox.faults.rules],
        "latency": sandbox.faults.latency,
        "jitter": sandbox.faults.jitter,
        "rate_limit": sandbox.rates.per_second,
    }


def _clear_faults(sandbox: Sandbox, _: Body, __: str) -> Object:
    sandbox.faults.clear()
    sandbox.rates.set(None)
    sandbox.webhooks.clear_faults()
    return {"rules": []}


def _webhooks(sandbox: Sandbox, body: Body, _: str) -> Object:
    """Set the `url`, the `secret` or the `style`, add a `fault`, or `redeliver` an event id."""
    if "url" in body:
        sandbox.webhooks.set_url(body["url"])
    if "secret" in body:
        sandbox.webhooks.set_secret(body["secret"])
    if "style" in body:
        sandbox.webhooks.set_style(body["style"])
    if "fault" in body:
        sandbox.webhooks.faults.append(webhook_fault_from(body["fault"]))
    if "redeliver" in body:
        sandbox.webhooks.redeliver(body["redeliver"])
    return {"url": sandbox.webhooks.url, "faults": [asdict(fault) for fault in sandbox.webhooks.faults]}


def _reset(sandbox: Sandbox, _: Body, __: str) -> Object:
    sandbox.reset()
    return {"reset": True}


def _clock(sandbox: Sandbox, body: Body, _: str) -> Object:
    """`freeze` (true, or the second to stand at), `thaw`, `advance` by seconds."""
    if "freeze" in body:
        sandbox.clock.freeze(None if body["freeze"] is True else float(body["freeze"]))
    if body.get("thaw"):
        sandbox.clock.thaw()
    sandbox.pass_time(float(body.get("advance", 0)))
    return {"now": sandbox.clock.now()}


def _make_sick(sandbox: Sandbox, body: Body, object_id: str) -> Object:
    """Calls about this object meet a `fault`; `method`, `times` and `lasts` (seconds) narrow it."""
    fault = fault_from(body["fault"])
    rule = sandbox.make_sick(object_id, fault, **_only(body, "method", "times", "lasts"))
    return rule.as_json()


def _disguise(sandbox: Sandbox, body: Body, object_id: str) -> Object:
    """Show this object with fields set by `change` and left out by `without`."""
    sandbox.disguise(object_id, without=body.get("without", ()), **body.get("change", {}))
    return {"id": object_id}


def _cure(sandbox: Sandbox, _: Body, object_id: str) -> Object:
    sandbox.cure(object_id)
    return {"id": object_id}


def _keys(sandbox: Sandbox, body: Body, _: str) -> Object:
    """Restrict a `key` to `permissions`, or take permissions from every key (`forbid`) and give them back (`allow`)."""
    if "key" in body:
        sandbox.permissions.restrict(body["key"], body["permissions"])
    sandbox.permissions.forbid(*body.get("forbid", ()))
    sandbox.permissions.allow(*body.get("allow", ()))
    return sandbox.permissions.as_json()


def _settings(sandbox: Sandbox, body: Body, _: str) -> Object:
    sandbox.account.dashboard.set(**body)
    return asdict(sandbox.account.dashboard)


def _plan_refunds(sandbox: Sandbox, body: Body, intent_id: str) -> Object:
    sandbox.account.dashboard.refunds[intent_id] = RefundPlan(**body)
    return {"payment_intent": intent_id}


def _move_in(sandbox: Sandbox, body: Body, _: str) -> Object:
    stream = sandbox.strangers.move_in(Application(**body))
    return {"events": len(stream.events), "payment_intents": len(stream.payment_intents)}


def _deliver(sandbox: Sandbox, body: Body, _: str) -> Object:
    return {"events": sandbox.strangers.deliver(int(body["count"]), types=body.get("types", ("*",)))}


def _add_endpoint(sandbox: Sandbox, body: Body, _: str) -> Object:
    return sandbox.webhooks.add(body["url"], **_only(body, "secret", "style", "types")).as_object()


def _ping(sandbox: Sandbox, body: Body, _: str) -> Object:
    named = body.get("endpoint")
    return sandbox.webhooks.ping(None if named is None else require_endpoint(sandbox.account, named))


def _only(body: Body, *names: str) -> Body:
    return {name: body[name] for name in names if name in body}


def _one_of(body: Body, first: str, second: str) -> bool:
    outcome = body.get("outcome")
    if outcome not in (first, second):
        raise ValueError(f"outcome must be {first} or {second}")
    return bool(outcome == first)


ORDERS: dict[tuple[str, str], Order] = {
    ("POST", "faults"): _faults,
    ("GET", "faults"): _faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "objects/{id}/sick"): _make_sick,
    ("POST", "objects/{id}/disguise"): _disguise,
    ("POST", "objects/{id}/cure"): _cure,
    ("POST", "keys"): _keys,
    ("GET", "keys"): _keys,
    ("POST", "strangers"): _move_in,
    ("POST", "strangers/deliver"): _deliver,
    ("GET", "strangers"): lambda sandbox, _, __: {"written": sandbox.strangers.written()},
    ("POST", "webhooks"): _webhooks,
    ("POST", "webhooks/endpoints"): _add_endpoint,
    ("POST", "webhooks/ping"): _ping,
    ("GET", "journal"): lambda sandbox, _, __: {"entries": list(sandbox.journal)},
    ("POST", "reset"): _reset,
    ("POST", "clock"): _clock,
    ("POST", "payment_intents/{id}/authenticate"): lambda sandbox, body, intent_id: sandbox.authenticate(
        intent_id, "approve" if _one_of(body, "approve", "refuse") else "refuse"
    ),
    ("POST", "payment_intents/{id}/complete"): lambda sandbox, body, intent_id: sandbox.complete(
        intent_id, succeeds=_one_of(body, "succeed", "fail")
    ),
    ("POST", "payment_intents/{id}/pay"): lambda sandbox, body, intent_id: sandbox.pay(
        intent_id, body.get("payment_method", "pm_card_visa"), return_url=body.get("return_url")
    ),
    ("POST", "refunds/{id}/complete"): lambda sandbox, body, refund_id: sandbox.complete_refund(
        refund_id, succeeds=_one_of(body, "succeed", "fail")
    ),
    ("POST", "refunds/{id}/move"): lambda sandbox, body, refund_id: sandbox.move_refund(
        refund_id, body["status"], body.get("failure_reason")
    ),
    ("POST", "payment_intents/{id}/refunds"): _plan_refunds,
    ("POST", "disputes/{id}/move"): lambda sandbox, body, dispute_id: sandbox.move_dispute(
        dispute_id, body["status"]
    ),
    ("POST", "disputes/{id}/close"): lambda sandbox, body, dispute_id: sandbox.close_dispute(
        dispute_id, won=_one_of(body, "won", "lost")
    ),
    ("POST", "dashboard/settings"): _settings,
    ("POST", "dashboard/refund"): lambda sandbox, body, _: sandbox.refund(
        body["payment_intent"], body.get("amount"), body.get("reason"), body.get("metadata")
    ),
    ("POST", "dashboard/cancel"): lambda sandbox, body, _: sandbox.cancel(
        body["payment_intent"], body.get("reason")
    ),
    ("POST", "dashboard/dispute"): lambda sandbox, body, _: sandbox.dispute(
        body["payment_intent"],
        body.get("reason", "fraudulent"),
        **_only(body, "amount", "due_by", "inquiry"),
    ),
}
