"""The channel on which the database tells that an order changed; the payload is the order's id."""

LISTEN = "LISTEN order_updated"
