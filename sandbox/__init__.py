"""A stateful stand-in for Stripe, for the demo and the tests. Not for production; it refuses live keys.

`core.Sandbox` is Stripe's logic without HTTP, `http.app.build_sandbox` makes the ASGI app of it, `serve.served` puts
that on a loopback port, `command` is `python main.py sandbox`. `docs/sandbox.md` is the manual.

- `http/`: the edge, from a request's bytes to the answer, and the control API
- `objects/`: what Stripe does with intents, charges, refunds, disputes, customers and payment methods
- `account/`: where objects are kept; the clock, the dashboard's settings, the journal
- `webhooks/`: which endpoint gets which event, in which form, signed and retried
- `faults/`: injected faults, sick objects, odd answers, restricted keys
- `browser/`: a small Stripe.js and the 3-D Secure page
- `demo/`: `python main.py demo`; it is no part of Stripe
"""
