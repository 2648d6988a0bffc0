"""The edge: one HTTP call from its bytes to its answer, as Stripe would give it, and the control API."""
