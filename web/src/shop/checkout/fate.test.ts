import assert from "node:assert/strict"
import { afterEach, beforeEach, mock, test } from "node:test"
import { ASK_STRIPE_AFTER, ASK_STRIPE_EVERY, type Fate, type IntentResult, PATIENCE, awaitFate } from "./fate.ts"

const money = { __typename: "Money" as const, amount: "19.99", currency: "USD" }
const intent = (status: "PROCESSING" | "REQUIRES_PAYMENT_METHOD" | "REQUIRES_ACTION" | "SUCCEEDED"): IntentResult => ({
  __typename: "PaymentIntent", id: "pi_1", clientSecret: "pi_1_secret_x", status, amount: money,
})
const PAID: IntentResult = {
  __typename: "OrderNotPayable", orderStatus: "PAID", message: "", code: "ORDER_NOT_PAYABLE", retryable: false,
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }))
afterEach(() => mock.timers.reset())

const pass = async (milliseconds: number) => {
  mock.timers.tick(milliseconds)
  await new Promise((go) => setImmediate(go))
}

function watching(...answers: (IntentResult | Error)[]) {
  const heard: Fate[] = []
  let asked = 0
  const stop = awaitFate(
    () => {
      const next = answers[Math.min(asked++, answers.length - 1)]
      return next instanceof Error || !next ? Promise.reject(next ?? new Error("none")) : Promise.resolve(next)
    },
    (fate) => void heard.push(fate),
  )
  return { heard, asked: () => asked, stop }
}

test("a webhook gets its time before Stripe is asked", async () => {
  const { asked, stop } = watching(PAID)
  await pass(ASK_STRIPE_AFTER - 1)
  assert.equal(asked(), 0)
  stop()
})

test("a payment whose webhook is lost is found by asking, and then nobody asks any more", async () => {
  const { heard, asked } = watching(intent("SUCCEEDED"), PAID)
  await pass(ASK_STRIPE_AFTER)
  assert.deepEqual(heard, [])
  await pass(ASK_STRIPE_EVERY)
  assert.deepEqual(heard, [{ kind: "settled", status: "PAID" }])
  await pass(PATIENCE)
  assert.equal(asked(), 2)
})

test("a bank that takes its time is told of, and asked about for as long as it takes", async () => {
  const { heard } = watching(intent("PROCESSING"), intent("PROCESSING"), intent("PROCESSING"), intent("PROCESSING"),
    intent("PROCESSING"), intent("PROCESSING"), intent("PROCESSING"), intent("PROCESSING"), PAID)
  await pass(ASK_STRIPE_AFTER)
  for (let n = 0; n < 8; n++) await pass(ASK_STRIPE_EVERY)
  assert.equal(heard[0]?.kind, "bank")
  assert.deepEqual(heard.at(-1), { kind: "settled", status: "PAID" })
  assert.ok(!heard.some(({ kind }) => kind === "late"))
})

test("a bank that says no in the end lets the customer pay again", async () => {
  const { heard } = watching(intent("PROCESSING"), intent("REQUIRES_PAYMENT_METHOD"))
  await pass(ASK_STRIPE_AFTER)
  await pass(ASK_STRIPE_EVERY)
  assert.deepEqual(heard, [{ kind: "bank" }, { kind: "failed" }])
})

test("when nothing is heard for long that is said, and no fate is made up", async () => {
  const { heard } = watching(new Error("lost"))
  await pass(ASK_STRIPE_AFTER)
  for (let passed = ASK_STRIPE_AFTER; passed < PATIENCE; passed += ASK_STRIPE_EVERY) await pass(ASK_STRIPE_EVERY)
  assert.deepEqual(heard, [{ kind: "late" }])
})

test("a page that is left hears nothing any more", async () => {
  const { heard, stop } = watching(PAID)
  mock.timers.tick(ASK_STRIPE_AFTER)
  stop()
  await new Promise((go) => setImmediate(go))
  assert.deepEqual(heard, [])
})
