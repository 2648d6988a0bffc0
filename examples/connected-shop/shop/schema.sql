-- What a shop has anyway. Amounts are cents.
CREATE TABLE IF NOT EXISTS users (
  id text PRIMARY KEY, email text UNIQUE NOT NULL, password text NOT NULL, is_admin boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS sessions (token text PRIMARY KEY, user_id text NOT NULL REFERENCES users);
CREATE TABLE IF NOT EXISTS products (sku text PRIMARY KEY, name text NOT NULL, price integer NOT NULL);
CREATE TABLE IF NOT EXISTS vouchers (code text PRIMARY KEY, percent integer NOT NULL);
CREATE SEQUENCE IF NOT EXISTS order_numbers START 1001;
CREATE TABLE IF NOT EXISTS orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), -- can't be guessed: a guest's link holds it
  number text UNIQUE NOT NULL DEFAULT 'A-' || nextval('order_numbers'),
  user_id text REFERENCES users,                 -- null for a guest
  email text NOT NULL,
  shipping text NOT NULL,
  voucher text REFERENCES vouchers,
  lines jsonb NOT NULL,
  total integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- What connecting adds: Paygraph's id of the order, how it stands there and as of which of Paygraph's revisions, when
  -- Paygraph was asked, and how often its answer was taken over.
  paygraph_id uuid,
  status text NOT NULL DEFAULT 'PENDING',
  revision integer NOT NULL DEFAULT 0,
  asked_at timestamptz,
  looks integer NOT NULL DEFAULT 0
);
-- A parcel for the warehouse. The key is what makes it one.
CREATE TABLE IF NOT EXISTS shipments (order_id uuid PRIMARY KEY REFERENCES orders, created_at timestamptz NOT NULL DEFAULT now());

-- What connecting adds: orders that Paygraph has not been given yet, and how far its events were read.
CREATE TABLE IF NOT EXISTS outbox (
  order_id uuid PRIMARY KEY REFERENCES orders,
  attempts integer NOT NULL DEFAULT 0, due_at timestamptz NOT NULL DEFAULT now(), last_error text
);
CREATE TABLE IF NOT EXISTS paygraph_events (cursor text);
INSERT INTO paygraph_events SELECT null WHERE NOT EXISTS (SELECT FROM paygraph_events);

INSERT INTO products VALUES ('LAMP', 'Desk lamp', 8900), ('MUG', 'Stoneware mug', 1450), ('PEN', 'Fountain pen', 3400)
  ON CONFLICT DO NOTHING;
INSERT INTO vouchers VALUES ('WELCOME', 10) ON CONFLICT DO NOTHING;
