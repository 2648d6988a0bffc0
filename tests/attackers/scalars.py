"""What schemathesis sends as our scalars. It runs this file itself, in its own environment."""

import schemathesis  # type: ignore[import-not-found]
from hypothesis import strategies as st
from schemathesis.graphql import nodes  # type: ignore[import-not-found]

AMOUNTS = st.one_of(st.integers(0, 10_000), st.sampled_from([-1, 2**31, 99_999_999, 2**53, 2**63]))
CURRENCIES = st.one_of(st.sampled_from(["eur", "usd", "jpy", "bhd"]), st.text(max_size=4))

schemathesis.graphql.scalar("MinorUnits", AMOUNTS.map(nodes.Int))
schemathesis.graphql.scalar("CurrencyCode", CURRENCIES.map(nodes.String))
