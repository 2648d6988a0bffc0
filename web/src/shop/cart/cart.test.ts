import assert from "node:assert/strict"
import { beforeEach, test } from "node:test"

// A page, as far as its carts need one.
const page = new EventTarget()
const events = { addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page) }
Object.assign(globalThis, events, { document: { hidden: false, ...events } })
const { cart, cartOf, emptyCart, setQuantity, takeOrdered } = await import("./cart.ts")

const product = (id: string) => ({ id, name: id, image: null, price: { minorUnits: 500, amount: "5.00", currency: "USD" } })
const lines = () => cart.get().lines.map(({ productId, quantity }) => [productId, quantity])

beforeEach(emptyCart)

test("what was put into the cart while its order was under way stays, for another order", () => {
  setQuantity(product("mug"), 2)
  const { key } = cart.get()
  setQuantity(product("lamp"), 1)
  setQuantity(product("mug"), 3)
  takeOrdered(key, [{ productId: "mug", quantity: 2 }])
  assert.deepEqual(lines(), [["mug", 1], ["lamp", 1]])
  assert.notEqual(cart.get().key, key)
})

test("a cart that was begun anew since is left alone", () => {
  setQuantity(product("mug"), 2)
  const { key } = cart.get()
  emptyCart()
  setQuantity(product("mug"), 2)
  takeOrdered(key, [{ productId: "mug", quantity: 2 }])
  assert.deepEqual(lines(), [["mug", 2]])
})

test("of what another program kept only lines are taken that can be shown", () => {
  const line = { productId: "mug", name: "Mug", image: null, quantity: 1, price: { minorUnits: 500, amount: "5.00", currency: "USD" } }
  const broken = [
    { ...line, price: { ...line.price, amount: 5 } }, { ...line, price: { ...line.price, amount: ["5.00"] } },
    { ...line, price: { ...line.price, currency: ["USD"] } }, { ...line, price: { ...line.price, minorUnits: "500" } },
    { ...line, quantity: 0.5 }, { ...line, quantity: -1 }, { ...line, price: null }, null, 7,
  ]
  assert.deepEqual(cartOf({ key: "k", lines: [...broken, line] }).lines, [line])
})

test("what is priced in another currency by now is not added to the total", async () => {
  const { isOrderable, withOneCurrency } = await import("./checked-lines.ts")
  const line = (currency: string, isSold = true) => ({
    line: { productId: currency, name: currency, image: null, quantity: 1, price: { minorUnits: 500, amount: "5.00", currency: "USD" } },
    price: { minorUnits: 500, amount: currency === "JPY" ? "500" : "5.00", currency }, was: null, isSold, isForeign: false,
  })
  assert.deepEqual(withOneCurrency([line("USD"), line("JPY"), line("USD")]).map(isOrderable), [true, false, true])
  assert.deepEqual(withOneCurrency([line("USD", false), line("JPY"), line("JPY")]).map(isOrderable), [false, true, true])
})
