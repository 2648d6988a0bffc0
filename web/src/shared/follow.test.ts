import assert from "node:assert/strict"
import { afterEach, beforeEach, mock, test } from "node:test"
import { follow } from "./follow.ts"

// A page, as far as it comes and goes.
const page = new EventTarget()
const events = { addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page) }
Object.assign(globalThis, events, { document: { hidden: false, ...events } })
const happens = (name: string, more: object = {}) => page.dispatchEvent(Object.assign(new Event(name), more))

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }))
afterEach(() => mock.timers.reset())

function newsOf(isLive: boolean) {
  const now = { isLive, listening: 0, begun: 0, looks: 0, end: () => {} }
  const stop = follow(
    {
      listen: (ended) => {
        now.begun++
        now.listening++
        now.end = ended
        return () => void now.listening--
      },
      look: () => Promise.resolve(void now.looks++),
      isLive: () => now.isLive,
    },
    1_000,
  )
  return { now, stop }
}
const pass = async (milliseconds: number) => {
  for (let passed = 0; passed < milliseconds; passed += 500) {
    mock.timers.tick(500)
    await new Promise((go) => setImmediate(go))
  }
}

test("while news arrive by themselves nobody asks", async () => {
  const { now, stop } = newsOf(true)
  await pass(60_000)
  assert.deepEqual([now.looks, now.begun], [0, 1])
  stop()
})

test("without a socket the order is asked for, ever more slowly", async () => {
  const { now, stop } = newsOf(false)
  await pass(10_000)
  const early = now.looks
  assert.ok(early >= 4, String(early))
  await pass(120_000)
  assert.ok(now.looks - early <= 7, `${now.looks - early} in two minutes`)
  stop()
})

test("a subscription that the server ended begins again, and what was missed is asked for", async () => {
  const { now, stop } = newsOf(true)
  now.end()
  await pass(2_000)
  assert.deepEqual([now.begun, now.looks], [2, 1])
  await pass(30_000)
  assert.deepEqual([now.begun, now.looks], [2, 1])
  stop()
})

test("a page in the back-forward cache listens to nothing, and looks anew when it is back", async () => {
  const { now, stop } = newsOf(true)
  happens("pagehide")
  assert.equal(now.listening, 0)
  await pass(60_000)
  assert.equal(now.looks, 0)
  happens("pageshow", { persisted: true })
  await pass(500)
  assert.deepEqual([now.listening, now.looks], [1, 1])
  stop()
  await pass(60_000)
  happens("online")
  assert.deepEqual([now.listening, now.looks], [0, 1])
})
