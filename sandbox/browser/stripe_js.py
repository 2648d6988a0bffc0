"""`GET /v3/stripe.js`: the sandbox's own small Stripe.js, with the calls a checkout makes and the errors it sees.

A page loads it instead of js.stripe.com. Its card form lives in a shadow root, so that the page's style sheet
reaches it as little as it reaches Stripe's iframe.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

_FILE = Path(__file__).with_name("stripe.js")


async def stripe_js(_: Request) -> FileResponse:
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return FileResponse(_FILE, media_type="text/javascript", headers=headers)


STRIPE_JS = Route("/v3/stripe.js", stripe_js)
