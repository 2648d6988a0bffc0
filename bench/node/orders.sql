-- The tables of the peers: orders of three items, and the payments that `DURABLE=1` records.
CREATE TABLE orders (id uuid PRIMARY KEY, user_id text NOT NULL, status text NOT NULL, currency text NOT NULL DEFAULT 'usd');
CREATE TABLE order_items (id bigserial PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders, price numeric(12, 2) NOT NULL, quantity int NOT NULL);
CREATE TABLE payments (id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders, amount bigint NOT NULL, currency text NOT NULL, state text NOT NULL, intent_id text UNIQUE, created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON order_items (order_id);
CREATE INDEX ON payments (order_id);
INSERT INTO orders SELECT gen_random_uuid(), 'user-' || (g % 1000), 'pending' FROM generate_series(1, 5000) g;
INSERT INTO order_items (order_id, price, quantity) SELECT o.id, 19.99, k FROM orders o, generate_series(1, 3) k;
ANALYZE;
