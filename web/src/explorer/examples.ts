import type { Config } from "../shared/config.ts"

/** Who may do it. */
export type Role = "anyone" | "customer" | "merchant"

export interface Example {
  role: Role
  what: string
  query: string
  variables?: string
  /** Whether the first visit opens it as a tab. */
  isOpen?: boolean
}

export const nameOf = ({ query }: Example): string => /(?:query|mutation|subscription) (\w+)/.exec(query)?.[1] ?? ""

/** Ids that the demo's server knows, so that an example runs as it is. */
export interface Known {
  productId: string
  orderId: string
  paidOrderId: string
}

const ERRORS = `    ... on UserError {
      message
      code
      retryable
    }`

const mutation = (head: string, call: string, fields: string, comment: string) =>
  `# ${comment}\nmutation ${head} {\n  ${call} {\n    __typename\n${fields}\n${ERRORS}\n  }\n}`

const json = (value: unknown) => JSON.stringify(value, null, 2)

/** One for each thing that can be done; the panel makes those for mutations that are newer than this list. */
export function examplesOf({ productId, orderId, paidOrderId }: Known): Example[] {
  const key = () => crypto.randomUUID()
  const lines = [
    { kind: "PRODUCT", name: "Stoneware mug", quantity: 2, unitAmount: 1_999 },
    { kind: "SHIPPING", name: "Parcel", unitAmount: 490 },
    { kind: "DISCOUNT", name: "Voucher HELLO", unitAmount: 500 },
  ]
  const byOrder = (id: string, more: object = {}) => json({ orderId: id, ...more })
  return [
    {
      role: "anyone", isOpen: true, what: "What is for sale",
      query: `# What is for sale. Needs no token.
query ListProducts {
  products(first: 5) {
    nodes { id name price { amount currency minorUnits } }
    pageInfo { hasNextPage endCursor }
  }
}`,
    },
    {
      role: "anyone", isOpen: true, what: "What Stripe.js is started with",
      query: `# What Stripe.js is started with.
query PaymentConfig {
  paymentConfig {
    publishableKey
    apiVersion
  }
}`,
    },
    {
      role: "customer", isOpen: true, what: "Places an order",
      query: mutation("CreateOrder($input: CreateOrderInput!)", "createOrder(input: $input)",
        "    ... on Order { id status total { amount currency } }\n    ... on OrderTotalMismatch { sum { amount currency } }",
        "Places an order. The same idempotencyKey again gives the same order."),
      variables: json({ input: { idempotencyKey: key(), items: [{ productId, quantity: 2 }] } }),
    },
    {
      role: "customer", isOpen: true, what: "Makes an order payable",
      query: mutation("CreatePaymentIntent($orderId: ID!)", "createPaymentIntent(orderId: $orderId)",
        "    ... on PaymentIntent { id clientSecret status amount { amount currency } }\n    ... on OrderNotPayable { orderStatus }",
        "Makes a pending order payable. Safe to repeat: an order has one PaymentIntent."),
      variables: byOrder(orderId),
    },
    {
      role: "customer", isOpen: true, what: "Follows an order, through restarts of the server too",
      query: `# The order as it is now, and again each time it changes: pay or cancel it meanwhile.
subscription FollowOrder($orderId: ID!) {
  orderUpdated(orderId: $orderId) {
    id
    status
    payments { status }
  }
}`,
      variables: byOrder(orderId),
    },
    {
      role: "customer", isOpen: true, what: "The orders of whoever asks",
      query: `# The orders of whoever the token speaks for.
query MyOrders {
  me { id isMerchant }
  orders(first: 5) {
    nodes { id status total { amount currency } items { productName quantity } }
  }
}`,
    },
    {
      role: "customer", what: "Cancels an order that is not paid",
      query: mutation("CancelOrder($orderId: ID!)", "cancelOrder(orderId: $orderId)",
        "    ... on Order { id status cancelReason }\n    ... on OrderNotCancelable { orderStatus }",
        "Cancels a pending order and its PaymentIntent together. Twice is the same as once."),
      variables: byOrder(orderId),
    },
    {
      role: "merchant", what: "One order with its lines and its money",
      query: `# Any order of this shop, with all that happened to its money.
query LookIntoOrder($orderId: ID!) {
  order(id: $orderId) {
    id
    status
    userId
    version
    total { amount currency }
    lines { kind name quantity subtotal { amount } }
    payments { status paymentIntentId received { amount } history { toStatus cause at } }
    refunds { status amount { amount } }
    disputes { status reason amount { amount } }
  }
}`,
      variables: byOrder(orderId),
    },
    {
      role: "merchant", what: "Brings in an order of the shop's own system",
      query: mutation("ImportOrder($input: ImportOrderInput!)", "importOrder(input: $input)",
        "    ... on Order { id reference version total { amount currency } }\n    ... on OrderTotalMismatch { sum { amount currency } }",
        "An order that your own shop placed. The same reference again is the same order; the total must be the lines' sum."),
      variables: json({ input: { reference: `R-${key().slice(0, 8)}`, userId: "ada", currency: "USD", lines, total: 3_988 } }),
    },
    {
      role: "merchant", what: "Gives a pending order other lines",
      query: mutation("UpdateOrder($input: UpdateOrderInput!)", "updateOrder(input: $input)",
        "    ... on Order { id version total { amount currency } }\n    ... on OrderChangedMeanwhile { order { version } }",
        "All lines anew. expectedVersion is the version that you saw: see LookIntoOrder."),
      variables: json({ input: { orderId, expectedVersion: 1, lines, total: 3_988 } }),
    },
    {
      role: "merchant", what: "A link for a guest: a token for one order",
      query: mutation("CreateCheckoutToken($orderId: ID!, $minutes: Int! = 60)", "createCheckoutToken(orderId: $orderId, minutes: $minutes)",
        "    ... on CheckoutToken { token expiresAt }",
        "Whoever holds the token may pay this one order. In the demo's shop: /?pay=<order>#token=<token>"),
      variables: byOrder(orderId),
    },
    {
      role: "merchant", what: "Gives money back",
      query: mutation("RefundOrder($input: RefundOrderInput!)", "refundOrder(input: $input)",
        "    ... on Refund { id status amount { amount currency } }\n    ... on AmountNotRefundable { refundable { amount currency } }",
        "Gives 5.00 of a paid order back. The same idempotencyKey again gives it back once."),
      variables: json({ input: { orderId: paidOrderId, amount: 500, reason: "requested_by_customer", idempotencyKey: key() } }),
    },
    {
      role: "merchant", what: "A key for one of the shop's own systems",
      query: mutation("CreateServiceKey($input: CreateServiceKeyInput!)", "createServiceKey(input: $input)",
        "    ... on NewServiceKey { secret key { id name scopes } }",
        "The secret is shown once. Send it as `Authorization: Bearer pgk_…`."),
      variables: json({ input: { name: "Warehouse", scopes: ["ORDERS_READ"] } }),
    },
    {
      role: "merchant", what: "Ends a key",
      query: mutation("RevokeServiceKey($id: ID!)", "revokeServiceKey(id: $id)", "    ... on ServiceKey { id name revokedAt }",
        "Within seconds no server takes the key. Twice is the same as once."),
      variables: json({ id: "a key's id" }),
    },
  ]
}

const SOMETHING = `{
  products(first: 1) { nodes { id } }
  pending: orders(first: 1, status: PENDING) { nodes { id } }
  paid: orders(first: 1, status: PAID) { nodes { id } }
}`

interface Nodes {
  nodes: { id: string }[]
}

/** What the examples' variables name. Without a customer's token, or an answer, it is said what belongs there. */
export async function somethingReal(config: Config): Promise<Known> {
  const token = config.users[0]?.token
  const found = token ? await ask(config.graphql, token).catch(() => null) : null
  return {
    productId: found?.products.nodes[0]?.id ?? "a product's id",
    orderId: found?.pending.nodes[0]?.id ?? "an order's id",
    paidOrderId: found?.paid.nodes[0]?.id ?? "the id of a paid order",
  }
}

async function ask(graphql: string, token: string): Promise<Record<"products" | "pending" | "paid", Nodes> | undefined> {
  const answer = await fetch(graphql, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: SOMETHING }),
  })
  return ((await answer.json()) as { data?: Record<"products" | "pending" | "paid", Nodes> }).data
}
