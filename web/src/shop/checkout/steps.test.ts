import assert from "node:assert/strict"
import { afterEach, beforeEach, mock, test } from "node:test"
import type { IntentResult } from "./fate.ts"
import { ASK_AGAIN_AFTER, NOT_PAID, Steps, declined, stepAfter } from "./steps.ts"
import { outcomeOf } from "./stripe.ts"

const money = { __typename: "Money" as const, amount: "19.99", currency: "USD" }
type Status = Extract<IntentResult, { __typename: "PaymentIntent" }>["status"]
const intent = (status: Status): IntentResult => ({
  __typename: "PaymentIntent", id: "pi_1", clientSecret: "pi_1_secret_x", status, amount: money,
})
const PAID: IntentResult = {
  __typename: "OrderNotPayable", orderStatus: "PAID", message: "", code: "ORDER_NOT_PAYABLE", retryable: false,
}
const AWAY: IntentResult = {
  __typename: "PaymentProviderUnavailable", message: "Nothing was charged.", code: "PAYMENT_PROVIDER_UNAVAILABLE", retryable: true,
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }))
afterEach(() => mock.timers.reset())

function stepsWith(...answers: (IntentResult | Error)[]) {
  let asked = 0
  const create = () => {
    const next = answers[Math.min(asked++, answers.length - 1)]
    return next instanceof Error || !next ? Promise.reject(next ?? new Error("none")) : Promise.resolve(next)
  }
  return { steps: new Steps(create, () => Promise.resolve(null)), asked: () => asked }
}
const turn = () => new Promise((go) => setImmediate(go))

test("only a card's own error says that nothing was charged", () => {
  assert.deepEqual(outcomeOf({ type: "card_error", message: "Declined." }), { kind: "declined", message: "Declined." })
  assert.deepEqual(outcomeOf({ type: "validation_error" }), { kind: "mistake" })
  for (const type of ["api_connection_error", "api_error", "invalid_request_error", "authentication_error", "rate_limit_error", "idempotency_error"] as const) {
    assert.deepEqual(outcomeOf({ type, message: "Nothing was charged." }), { kind: "unclear" }, type)
  }
})

test("an unclear answer keeps the form and asks until the server knows, through losses and refusals that pass", async () => {
  const { steps, asked } = stepsWith(intent("REQUIRES_PAYMENT_METHOD"), new TypeError("lost"), AWAY, PAID)
  await steps.prepare()
  steps.ask()
  for (const wanted of [2, 3]) {
    await turn()
    assert.equal(asked(), wanted)
    const step = steps.get()
    assert.ok(step.at === "form" && step.isAsking && step.problem === null, "nothing is claimed meanwhile")
    mock.timers.tick(ASK_AGAIN_AFTER)
  }
  await turn()
  assert.deepEqual(steps.get(), { at: "settled", status: "PAID" })
})

test("an order that is still unpaid after an unclear answer is said to be so, and can be paid", async () => {
  const { steps } = stepsWith(intent("REQUIRES_PAYMENT_METHOD"))
  await steps.prepare()
  steps.ask()
  await turn()
  const step = steps.get()
  assert.ok(step.at === "form" && !step.isAsking)
  assert.deepEqual(step.problem, NOT_PAID)
  assert.doesNotMatch(NOT_PAID.title + NOT_PAID.text, /nothing was charged/i)
})

test("back from the bank the words are asked for only when the server says that it is unpaid", async () => {
  for (const [answer, wanted] of [[intent("REQUIRES_PAYMENT_METHOD"), 1], [intent("SUCCEEDED"), 0], [PAID, 0], [intent("REQUIRES_ACTION"), 0]] as const) {
    let words = 0
    const steps = new Steps(() => Promise.resolve(answer), () => Promise.resolve((words++, declined("No."))))
    await steps.prepare()
    assert.equal(words, wanted)
  }
})

test("an answer that comes after the page moved on changes nothing", async () => {
  const { steps } = stepsWith(intent("REQUIRES_PAYMENT_METHOD"))
  const late = steps.prepare()
  steps.settled("PAID")
  await late
  assert.deepEqual(steps.get(), { at: "settled", status: "PAID" })
})

test("a page that is left asks nothing any more", async () => {
  const { steps, asked } = stepsWith(intent("REQUIRES_PAYMENT_METHOD"), AWAY)
  await steps.prepare()
  steps.ask()
  await turn()
  steps.stop()
  mock.timers.tick(ASK_AGAIN_AFTER * 3)
  await turn()
  assert.equal(asked(), 2)
})

test("what is paid or under way never shows a form", () => {
  for (const status of ["PROCESSING", "SUCCEEDED"] as const) assert.deepEqual(stepAfter(intent(status), null), { at: "waiting" })
  assert.equal(stepAfter(PAID, null).at, "settled")
})
