"""Customers: https://docs.stripe.com/api/customers."""

from sandbox.account.account import Account
from sandbox.account.ids import new_id
from sandbox.http.answers import Object
from sandbox.http.calls import Call, listed
from sandbox.http.errors import no_such
from sandbox.http.parameters import Parameters

_PLAIN = ("description", "name", "phone")
_CHANGING = frozenset((*_PLAIN, "address", "email", "expand", "metadata", "shipping"))
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def create(account: Account, call: Call) -> Object:
    call.params.allow_only(_CHANGING)
    nothing = dict.fromkeys(
        ("currency", "default_source", "discount", "email", "shipping", "address", *_PLAIN)
    )
    customer: Object = {
        "id": new_id("cus"),
        "object": "customer",
        "balance": 0,
        "created": account.clock.now(),
        "customer_account": None,
        "delinquent": False,
        "invoice_prefix": new_id("x")[2:10].upper(),
        "invoice_settings": dict.fromkeys(
            ("custom_fields", "default_payment_method", "footer", "rendering_options")
        ),
        "livemode": False,
        "metadata": {},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
        "test_clock": None,
        **nothing,
    }
    saved = account.save(account.customers, customer | _sent(call.params, customer))
    account.emit("customer.created", saved)
    return saved


def update(account: Account, call: Call) -> Object:
    call.params.allow_only(_CHANGING)
    customer = require_customer(account, call.id)
    changed = customer | _sent(call.params, customer)
    if changed == customer:
        return customer
    account.emit("customer.updated", account.save(account.customers, changed), customer)
    return changed


def _sent(params: Parameters, old: Object) -> Object:
    new: Object = {name: params.text(name) for name in _PLAIN if name in params}
    if "email" in params:
        new["email"] = params.email("email")
    if "address" in params:
        new["address"] = _address(params.inside("address"))
    shipping = params.inside("shipping")
    if shipping is not None:
        new["shipping"] = {"address": _address(shipping.inside("address")), "name": shipping.required("name")}
        new["shipping"]["phone"] = shipping.text("phone")
    return new | {"metadata": params.metadata(old["metadata"])}


def _address(sent: Parameters | None) -> Object | None:
    return None if sent is None else {name: sent.text(name) for name in _ADDRESS}


def retrieve(account: Account, call: Call) -> Object:
    """A deleted customer is answered as Stripe does: `{"deleted": true, …}`."""
    call.params.allow_only(("expand",))
    customer = account.customers.require(call.id, param="customer")
    return _gone(customer["id"]) if customer.get("deleted") else customer


def delete(account: Account, call: Call) -> Object:
    customer = require_customer(account, call.id)
    account.emit("customer.deleted", customer)
    account.save(account.customers, _gone(customer["id"]) | {"created": customer["created"]})
    return _gone(customer["id"])


def _gone(customer_id: str) -> Object:
    return {"id": customer_id, "object": "customer", "deleted": True}


def list_customers(account: Account, call: Call) -> Object:
    return listed(account.customers, call, "/v1/customers", ("email",))


def require_customer(account: Account, customer_id: str, *, status: int = 404) -> Object:
    """One that is there and not deleted; `status` is 400 where a parameter names it."""
    customer = account.customers.require(customer_id, param="customer", status=status)
    if customer.get("deleted"):
        raise no_such("customer", customer_id, param="customer", status=status)
    return customer
