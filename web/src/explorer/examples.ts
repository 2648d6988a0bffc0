import type { Config } from "../shared/config.ts"

export interface Example {
  query: string
  variables?: string
  headers?: string
}

const PRODUCTS = `# What is for sale. Needs no token.
query ListProducts {
  products(first: 5) {
    nodes {
      id
      name
      price {
        amount
        currency
        minorUnits
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`

const CREATE_ORDER = `# Places an order. The same idempotencyKey again gives the same order.
mutation CreateOrder($input: CreateOrderInput!) {
  createOrder(input: $input) {
    __typename
    ... on Order {
      id
      status
      total {
        amount
        currency
      }
    }
    ... on UserError {
      message
      code
      retryable
    }
  }
}`

const CREATE_PAYMENT_INTENT = `# Makes a pending order payable. Safe to repeat: an order has one PaymentIntent.
mutation CreatePaymentIntent($orderId: ID!) {
  createPaymentIntent(orderId: $orderId) {
    __typename
    ... on PaymentIntent {
      id
      clientSecret
      status
      amount {
        amount
        currency
      }
    }
    ... on OrderNotPayable {
      orderStatus
    }
    ... on UserError {
      message
      code
      retryable
    }
  }
}`

const FOLLOW_ORDER = `# The order as it is now, and again each time it changes: pay or cancel it meanwhile.
subscription FollowOrder($orderId: ID!) {
  orderUpdated(orderId: $orderId) {
    id
    status
    payments {
      status
    }
  }
}`

const MY_ORDERS = `# The orders of whoever the token in the headers speaks for.
query MyOrders {
  me {
    id
    isMerchant
  }
  orders(first: 5) {
    nodes {
      id
      status
      total {
        amount
        currency
      }
      items {
        productName
        quantity
      }
    }
  }
}`

const CONFIG = `# What Stripe.js is started with.
query PaymentConfig {
  paymentConfig {
    publishableKey
    apiVersion
  }
}`

/** Tabs that run as they are: in the demo their variables name a real product and a real pending order. */
export async function examples(config: Config): Promise<Example[]> {
  const token = config.users[0]?.token
  const headers = token ? json({ Authorization: `Bearer ${token}` }) : undefined
  const { productId, orderId } = await somethingReal(config, token)
  const input = { idempotencyKey: crypto.randomUUID(), items: [{ productId, quantity: 2 }] }
  return [
    { query: PRODUCTS, headers },
    { query: CREATE_ORDER, variables: json({ input }), headers },
    { query: CREATE_PAYMENT_INTENT, variables: json({ orderId }), headers },
    { query: FOLLOW_ORDER, variables: json({ orderId }), headers },
    { query: MY_ORDERS, headers },
    { query: CONFIG, headers },
  ]
}

const json = (value: unknown) => JSON.stringify(value, null, 2)

const SOMETHING = `{ products(first: 1) { nodes { id } } orders(first: 1, status: PENDING) { nodes { id } } }`

interface Nodes {
  nodes: { id: string }[]
}

async function somethingReal(config: Config, token: string | undefined) {
  const unknown = { productId: "a product's id", orderId: "an order's id" }
  if (!token) return unknown
  const answer = await fetch(config.graphql, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: SOMETHING }),
  })
  const { data } = (await answer.json()) as { data?: { products: Nodes; orders: Nodes } }
  return {
    productId: data?.products.nodes[0]?.id ?? unknown.productId,
    orderId: data?.orders.nodes[0]?.id ?? unknown.orderId,
  }
}
