import assert from "node:assert/strict"
import { afterEach, test } from "node:test"
import { forgetWish, keptWish, wishFor } from "./wishes.ts"

const items = new Map<string, string>()
const storage = {
  getItem: (name: string) => items.get(name) ?? null,
  setItem: (name: string, text: string) => void items.set(name, text),
  removeItem: (name: string) => void items.delete(name),
}
const keep = (kept: unknown) => Object.defineProperty(globalThis, "sessionStorage", { configurable: true, get: () => kept })
const full = { ...storage, setItem: () => { throw new DOMException("full", "QuotaExceededError") } }

afterEach(() => {
  forgetWish("refund", "1")
  items.clear()
})

for (const [what, kept] of [["that keeps", storage], ["that is full", full], ["that is blocked", undefined]] as const) {
  test(`in a storage ${what}, the same wish has the same key until it is forgotten`, () => {
    keep(kept)
    const { key } = wishFor("refund", "1", { amount: 5 })
    assert.equal(wishFor("refund", "1", { amount: 5 }).key, key)
    assert.deepEqual(keptWish("refund", "1"), { key, input: { amount: 5 } })
    assert.notEqual(wishFor("refund", "1", { amount: 6 }).key, key)
    forgetWish("refund", "1")
    assert.equal(keptWish("refund", "1"), null)
  })
}

test("what is no wish is none", () => {
  keep(storage)
  for (const text of ["", "null", "7", '{"key":1,"input":{}}', '{"key":"k"}', '{"key":"k","input":"x"}']) {
    items.set("paygraph.wish.refund.1", text)
    assert.equal(keptWish("refund", "1"), null, text)
  }
})
