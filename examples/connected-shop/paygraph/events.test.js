import "../settings-for-tests.js"
import assert from "node:assert/strict"
import { test } from "node:test"
import { Webhook } from "standardwebhooks"

const { isKnown, verified } = await import("./events.js")
const BODY = JSON.stringify({ type: "order.paid", data: { orderId: "7d1f" } })

function signed({ body = BODY, at = new Date(), secret = process.env.PAYGRAPH_WEBHOOK_SECRET } = {}) {
  const signature = new Webhook(secret).sign("msg_1", at, body)
  return { "webhook-id": "msg_1", "webhook-timestamp": String(Math.floor(at.getTime() / 1000)), "webhook-signature": signature }
}

test("what was signed with our secret is read", () => {
  assert.deepEqual(verified(Buffer.from(BODY), signed()), JSON.parse(BODY))
})

test("while the secret is rotated one of two signatures is enough", () => {
  const headers = signed()
  headers["webhook-signature"] = `v1,${"A".repeat(43)}= ${headers["webhook-signature"]}`
  assert.equal(verified(Buffer.from(BODY), headers).type, "order.paid")
})

for (const [what, headers] of [
  ["another body", signed({ body: BODY.replace("7d1f", "ffff") })],
  ["another secret", signed({ secret: "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=" })],
  ["an hour ago", signed({ at: new Date(Date.now() - 3_600_000) })],
  ["nothing", {}],
]) {
  test(`a signature of ${what} is refused`, () => {
    assert.throws(() => verified(Buffer.from(BODY), headers), { name: "WebhookVerificationError" })
  })
}

const ORDER = { revision: 7, asked_at: new Date("2026-11-26T12:00:00Z") }
const BEFORE = "2026-11-26T11:59:59.140Z"

for (const [what, order, event, known] of [
  ["an older event", ORDER, { revision: 6, at: BEFORE }, true],
  ["the event that was asked for", ORDER, { revision: 7, at: BEFORE }, true],
  ["a newer event", ORDER, { revision: 8, at: BEFORE }, false],
  ["an event without a revision", ORDER, { revision: null, at: BEFORE }, false],
  ["an event of behind a restored backup", ORDER, { revision: 5, at: "2026-11-26T12:00:01.000Z" }, false],
  ["the first event of an order", { revision: 0, asked_at: null }, { revision: 3, at: BEFORE }, false],
]) {
  test(`${what} is ${known ? "" : "not "}known`, () => assert.equal(isKnown(order, event), known))
}
