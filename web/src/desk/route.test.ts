import assert from "node:assert/strict"
import { test } from "node:test"
import { type Route, addressOf, routeOf } from "./route.ts"

for (const [route, address] of [
  [{ page: "home", closed: false }, "/desk/"],
  [{ page: "home", closed: true }, "/desk/?closed="],
  [{ page: "orders", filter: { view: "paid" }, after: "abc=" }, "/desk/?page=orders&view=paid&after=abc%3D"],
  [{ page: "order", id: "1-2" }, "/desk/?page=order&id=1-2"],
  [{ page: "disputes", after: null }, "/desk/?page=disputes"],
  [{ page: "products", after: null }, "/desk/?page=products"],
  [{ page: "keys" }, "/desk/?page=keys"],
] satisfies [Route, string][]) {
  test(`${address} leads where it came from`, () => {
    assert.equal(addressOf(route), address)
    assert.deepEqual(routeOf(new URL(address, "http://desk").searchParams), route)
  })
}

test("an address that nobody wrote leads home, or to the orders", () => {
  assert.equal(routeOf(new URLSearchParams("page=constructor")).page, "home")
  assert.equal(routeOf(new URLSearchParams("page=order")).page, "orders")
})
