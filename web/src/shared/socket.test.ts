import assert from "node:assert/strict"
import { afterEach, beforeEach, mock, test } from "node:test"
import { buildSocket } from "./socket.ts"

/** A WebSocket whose server says nothing but what a test lets it say. */
class Wire {
  static all: Wire[] = []
  static readonly OPEN = 1
  readyState = 1
  sent: { type: string }[] = []
  onopen = () => {}
  onmessage = (_: { data: string }) => {}
  onclose = (_: object) => {}

  constructor() {
    Wire.all.push(this)
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as { type: string })
  }
  close() {
    this.readyState = 3
  }
  say(type: string) {
    this.onmessage({ data: JSON.stringify({ type }) })
  }
}
Object.assign(globalThis, { WebSocket: Wire, location: { href: "http://127.0.0.1/" } })

beforeEach(() => {
  Wire.all = []
  mock.timers.enable({ apis: ["setTimeout"] })
})
afterEach(() => mock.timers.reset())

const breathe = () => new Promise((go) => setImmediate(go))
async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 1_000) {
    mock.timers.tick(1_000)
    await breathe()
  }
}

async function connected() {
  const socket = buildSocket("/graphql", () => ({}))
  const stop = socket.client.subscribe({ query: "subscription { news }" }, { next: () => {}, error: () => {}, complete: () => {} })
  await breathe()
  const [wire] = Wire.all
  assert.ok(wire)
  wire.onopen()
  await breathe()
  wire.say("connection_ack")
  await breathe()
  assert.ok(socket.live.get())
  return { ...socket, wire, stop }
}

test("a connection that died without a word is not taken for alive, and is made anew", async () => {
  const { live, wire } = await connected()
  await pass(21_000)
  assert.ok(wire.sent.some(({ type }) => type === "ping"))
  await pass(6_000)
  assert.equal(live.get(), false)
  await pass(12_000)
  assert.equal(Wire.all.length, 2)
})

test("one whose server answers stays", async () => {
  const { live, wire } = await connected()
  for (let round = 0; round < 5; round++) {
    await pass(21_000)
    wire.say("pong")
  }
  await pass(6_000)
  assert.equal(live.get(), true)
  assert.equal(Wire.all.length, 1)
})
