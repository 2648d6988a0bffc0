import assert from "node:assert/strict"
import { test } from "node:test"
import { type Route, addressOf, routeOf } from "./route.ts"

for (const [route, address] of [
  [{ page: "home", closed: false, after: null }, "/desk/"],
  [{ page: "home", closed: true, after: "abc=" }, "/desk/?closed=&after=abc%3D"],
  [{ page: "orders", filter: { view: "paid" }, after: "abc=" }, "/desk/?page=orders&view=paid&after=abc%3D"],
  [{ page: "order", id: "1-2" }, "/desk/?page=order&id=1-2"],
  [{ page: "disputes", after: null }, "/desk/?page=disputes"],
  [{ page: "products", after: null }, "/desk/?page=products"],
  [{ page: "webhooks" }, "/desk/?page=webhooks"],
  [{ page: "endpoint", id: "1-2", status: null, after: null }, "/desk/?page=endpoint&id=1-2"],
  [{ page: "endpoint", id: "1-2", status: "GIVEN_UP", after: "abc=" }, "/desk/?page=endpoint&id=1-2&status=given_up&after=abc%3D"],
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
  assert.equal(routeOf(new URLSearchParams("page=endpoint")).page, "webhooks")
  assert.deepEqual(routeOf(new URLSearchParams("page=endpoint&id=1&status=constructor")), { page: "endpoint", id: "1", status: null, after: null })
})
