import assert from "node:assert/strict"
import { test } from "node:test"
import { readingsOf } from "./search.ts"

const names = (typed: string) => readingsOf(typed).map(({ name }) => name)

test("a text is read as what it can be, the likeliest first", () => {
  assert.deepEqual(names("  "), [])
  assert.deepEqual(names("A-1001"), ["reference", "user"])
  assert.deepEqual(names("1A2B3C4D"), ["order number", "reference", "user"])
  assert.deepEqual(names("018f0000-0000-4000-8000-00000000000a"), ["order number", "reference", "user"])
  assert.deepEqual(names("ada@shop.example"), ["e-mail", "user"])
  assert.deepEqual(names("pi_3Abc"), ["PaymentIntent"])
})

test("what is pasted with a client secret is looked for without it", () => {
  assert.deepEqual(readingsOf(" pi_3Abc_secret_xyz ")[0]?.filter, { intent: "pi_3Abc" })
})
