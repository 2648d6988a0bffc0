"""Where events are sent: https://docs.stripe.com/api/webhook_endpoints, and the event destinations of API v2."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import get_args

from sandbox.account.account import Account
from sandbox.account.ids import new_id
from sandbox.http.answers import Object
from sandbox.http.calls import PAGING, Call, list_object
from sandbox.http.errors import missing, no_such
from sandbox.http.versions import Style

_CHANGING = frozenset(("description", "disabled", "enabled_events", "expand", "metadata", "url"))


def check_style(style: str) -> None:
    """ValueError for what is neither snapshot nor thin."""
    if style not in get_args(Style):
        raise ValueError(f"unknown style {style!r}; snapshot or thin")


@dataclass(slots=True, kw_only=True)
class WebhookEndpoint:
    """`style` is what is sent: the event with its object (snapshot), or only what it is about (thin)."""

    url: str
    secret: str
    style: Style = "snapshot"
    enabled_events: list[str] = field(default_factory=lambda: ["*"])
    id: str = field(default_factory=lambda: new_id("we"))
    created: int = 0
    description: str | None = None
    enabled: bool = True
    metadata: Object = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_style(self.style)

    def wants(self, event_type: str) -> bool:
        return self.enabled and any(fnmatchcase(event_type, pattern) for pattern in self.enabled_events)

    def as_object(self) -> Object:
        """Without the secret, which Stripe shows once, when the endpoint is made."""
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": None,
            "application": None,
            "created": self.created,
            "description": self.description,
            "enabled_events": self.enabled_events,
            "livemode": False,
            "metadata": self.metadata,
            "status": "enabled" if self.enabled else "disabled",
            "url": self.url,
        }


def create(account: Account, call: Call) -> Object:
    """The answer alone carries the `secret`."""
    params = call.params
    params.allow_only(_CHANGING - {"disabled"} | {"api_version"}, ("connect",))
    events = params.texts("enabled_events")
    if not events:
        raise missing("enabled_events")
    params.required("url")
    endpoint = WebhookEndpoint(
        url=params.url("url") or "",
        secret=new_id("whsec"),
        enabled_events=events,
        created=account.clock.now(),
        description=params.text("description"),
        metadata=params.metadata({}),
    )
    account.endpoints.append(endpoint)
    return endpoint.as_object() | {"secret": endpoint.secret}


def update(account: Account, call: Call) -> Object:
    params = call.params
    params.allow_only(_CHANGING)
    endpoint = require_endpoint(account, call.id)
    endpoint.url = params.url("url") or endpoint.url
    endpoint.enabled_events = params.texts("enabled_events") or endpoint.enabled_events
    endpoint.description = params.text("description") if "description" in params else endpoint.description
    endpoint.metadata = params.metadata(endpoint.metadata)
    disabled = params.boolean("disabled")
    endpoint.enabled = endpoint.enabled if disabled is None else not disabled
    return endpoint.as_object()


def retrieve(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return require_endpoint(account, call.id).as_object()


def delete(account: Account, call: Call) -> Object:
    endpoint = require_endpoint(account, call.id)
    account.endpoints.remove(endpoint)
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def list_endpoints(account: Account, call: Call) -> Object:
    """Newest first; thin ones are event destinations of v2 alone. There are never many: no cursors are done here."""
    call.params.allow_only(("limit", "expand"), PAGING)
    limit = call.params.integer("limit", least=1, most=100) or 10
    found = [each.as_object() for each in reversed(account.endpoints) if each.style == "snapshot"]
    return list_object(found[:limit], len(found) > limit, "/v1/webhook_endpoints")


def require_endpoint(account: Account, endpoint_id: str) -> WebhookEndpoint:
    for endpoint in account.endpoints:
        if endpoint.id == endpoint_id:
            return endpoint
    raise no_such("webhook endpoint", endpoint_id, param="webhook_endpoint")
