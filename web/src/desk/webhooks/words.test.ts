import assert from "node:assert/strict"
import { test } from "node:test"
import { EVENT_TYPES, answerOf, deliveryLabel, statusFrom, typesLabel } from "./words.ts"

test("an endpoint that is sent every type says so, and a newer server's types are named", () => {
  const all = EVENT_TYPES.map(([type]) => type)
  assert.equal(typesLabel(all), "all")
  assert.equal(typesLabel(["ORDER_PAID", "ORDER_LOST" as never]), "Order paid, ORDER_LOST")
})

test("a delivery says what was answered last, and how often it was tried", () => {
  assert.equal(answerOf({ attempts: 0, lastHttpStatus: null, lastError: null }), "not tried yet")
  assert.equal(answerOf({ attempts: 1, lastHttpStatus: 204, lastError: null }), "answered 204")
  assert.equal(answerOf({ attempts: 3, lastHttpStatus: 500, lastError: "it answered 500" }), "it answered 500, 3 tries")
  assert.equal(answerOf({ attempts: 1, lastHttpStatus: null, lastError: null }), "no answer yet")
})

test("only a status that there is filters deliveries", () => {
  assert.equal(statusFrom("given_up"), "GIVEN_UP")
  assert.equal(statusFrom("constructor"), null)
  assert.equal(statusFrom(null), null)
  assert.equal(deliveryLabel("LOST" as never).label, "LOST")
})
