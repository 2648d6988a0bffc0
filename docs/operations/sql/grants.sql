-- What the server may do, as paygraph_owner in the database paygraph, after each `migrate`. Repeating it changes nothing.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO paygraph_server;
-- Tables of later migrations can be used as soon as they are there.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO paygraph_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO paygraph_server;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO paygraph_server;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO paygraph_server;
GRANT DELETE ON order_items, order_changes, attention, stripe_events, sweep_retries, sweep_windows, service_keys, checkout_tokens, declines, payer_addresses, shop_events, webhook_endpoints TO paygraph_server;
REVOKE UPDATE ON payment_transitions FROM paygraph_server;
REVOKE INSERT, UPDATE ON alembic_version, charge_limits FROM paygraph_server;
