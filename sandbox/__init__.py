"""A stateful stand-in for Stripe, for the demo and the tests. Not for production; it refuses live keys.

`sandbox.app.build_sandbox` makes the ASGI app, `sandbox.serve.served` puts it on a loopback port, and
`sandbox.core.Sandbox` is the same logic without HTTP. `docs/sandbox.md` is its manual.
"""
