// Paygraph over plain fetch, with the shop's service key. The key stays on this server.
import { config } from "../shop/config.js"
import { CURRENCY } from "../shop/orders.js"

const PATIENCE = 10_000 // milliseconds
const DAYS_TO_PAY = 7
const AGAIN = ["TIMEOUT", "SERVICE_UNAVAILABLE", "RATE_LIMITED", "INTERNAL_SERVER_ERROR"]

/** No answer: whether it was done is not known, and the same call may be repeated. */
export class Unreachable extends Error {}

/** A clear no, with Paygraph's `code`, its sentence, and whether the same call may succeed later. */
export class Refused extends Error {
  constructor({ message, code, retryable }) {
    super(message)
    Object.assign(this, { code, retryable })
  }
}

/** What the operation's one field answers with; a refusal is thrown. */
async function ask(operation, variables) {
  let answer
  try {
    const response = await fetch(`${config.paygraph}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${config.key}` },
      body: JSON.stringify({ query: operation, variables }),
      signal: AbortSignal.timeout(PATIENCE),
    })
    answer = await response.json()
  } catch (error) {
    throw new Unreachable(`Paygraph does not answer: ${error.cause?.message ?? error.message}`)
  }
  for (const { message, extensions } of answer.errors ?? []) {
    if (AGAIN.includes(extensions?.code)) throw new Unreachable(message)
    throw new Error(`Paygraph: ${message}`) // our mistake: a wrong key, a scope that is missing, a typing error
  }
  const [result] = Object.values(answer.data)
  if (result?.code) throw new Refused(result)
  return result
}

const ORDER = "id reference status version revision total { minorUnits amount currency }"
const REFUSAL = "... on UserError { code message retryable }"

/** Gives Paygraph an order. `reference` is the key: the same order again is the same order. */
export const importOrder = (order) =>
  ask(`mutation($input: ImportOrderInput!) { importOrder(input: $input) { ... on Order { ${ORDER} } ${REFUSAL} } }`, {
    input: {
      reference: order.number,
      userId: order.user_id,
      receiptEmail: order.email,
      currency: CURRENCY,
      lines: order.lines,
      total: order.total,
      expiresAt: new Date(order.created_at.getTime() + DAYS_TO_PAY * 86_400_000).toISOString(),
    },
  })

/** Changes an order that is not paid yet, and with it the amount that the open payment form will take. */
export const updateOrder = (theirs, { lines, total }) =>
  ask(`mutation($input: UpdateOrderInput!) { updateOrder(input: $input) { ... on Order { ${ORDER} } ${REFUSAL} } }`, {
    input: { orderId: theirs.id, expectedVersion: theirs.version, lines, total },
  })

/** How an order stands as far as Paygraph has recorded it, or null. */
export const orderByReference = (reference) =>
  ask(`query($reference: String!) { orderByReference(reference: $reference) { ${ORDER} } }`, { reference })

/** The same, and while the customer pays Paygraph also asks Stripe: for who is waiting. */
export const orderById = (id) => ask(`query($id: ID!) { order(id: $id) { ${ORDER} } }`, { id })

/** A bearer token for the browser: it reads and pays this one order, and nothing else. */
export const createCheckoutToken = (orderId) =>
  ask(`mutation($id: ID!) { createCheckoutToken(orderId: $id) { ... on CheckoutToken { token } ${REFUSAL} } }`, { id: orderId })

/** Gives money back: `amount` cents, or all that is left. The same key again is the same refund. */
export const refundOrder = (orderId, idempotencyKey, amount) =>
  ask(`mutation($input: RefundOrderInput!) { refundOrder(input: $input) { ... on Refund { id status } ${REFUSAL} } }`, {
    input: { orderId, idempotencyKey, amount },
  })

/** What happened after the cursor, oldest first; from the beginning for null. */
export const events = (after) =>
  ask(`query($after: String) { events(first: 100, after: $after) {
    nodes { type createdAt orderRevision order { reference } } pageInfo { endCursor hasNextPage } } }`, { after })

/** Where Paygraph sends what happens. */
export const webhookEndpoints = () => ask("{ webhookEndpoints { id url enabled } }")

/** Has Paygraph send to this address. `secret` is told this once. */
export const createWebhookEndpoint = (url) =>
  ask(`mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) {
    ... on NewWebhookEndpoint { secret } ${REFUSAL} } }`, { input: { url } })

/** One that took nothing for a day is disabled; what it missed meanwhile is pulled. */
export const enableWebhookEndpoint = (endpointId) =>
  ask(`mutation($endpointId: ID!) { setWebhookEndpointEnabled(endpointId: $endpointId, enabled: true) {
    ... on WebhookEndpoint { enabled } ${REFUSAL} } }`, { endpointId })

/** A new secret for an address; for a while the old one signs too. */
export const rotateWebhookSecret = (endpointId) =>
  ask(`mutation($endpointId: ID!) { rotateWebhookSecret(endpointId: $endpointId) {
    ... on NewWebhookEndpoint { secret } ${REFUSAL} } }`, { endpointId })
