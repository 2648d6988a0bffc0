import assert from "node:assert/strict"
import { afterEach, beforeEach, mock, test } from "node:test"
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, InMemoryCache, ServerError, gql } from "@apollo/client"
import { of, throwError } from "rxjs"
import { type Attempt, type Failure, didNothing, failureOf, messageOf } from "./failure.ts"
import { type Speaker, failing, renewing, retrying, signing } from "./links.ts"

type Answer = ApolloLink.Result | Error
const answer = (code?: string): Answer =>
  code ? { data: null, errors: [{ message: "for developers", extensions: { code } }] } : { data: { done: true } }
const LOST = new TypeError("Failed to fetch")

/** A server that gives these answers in turn, the last one for ever. */
function serverOf(answers: Answer[]) {
  const notes: (Failure | null)[] = []
  let calls = 0
  const server = new ApolloLink(() => {
    const next = answers[Math.min(calls++, answers.length - 1)] ?? LOST
    return next instanceof Error ? throwError(() => next) : of(next)
  })
  const link = ApolloLink.from([retrying((_, failure) => void notes.push(failure)), failing, server])
  return { client: new ApolloClient({ link, cache: new InMemoryCache() }), calls: () => calls, notes }
}

const ORDER = gql`mutation Order($input: Input!) { done(input: $input) }`
const WITH_KEY = { input: { idempotencyKey: "k" } }

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }))
afterEach(() => mock.timers.reset())

/** Lets pauses pass until the call has ended. */
async function settle<T>(call: Promise<T>): Promise<T> {
  let isOver = false
  const end = call.finally(() => (isOver = true))
  end.catch(() => null)
  while (!isOver) {
    await new Promise((go) => setImmediate(go))
    mock.timers.tick(4_000)
  }
  return end
}

for (const [what, failures, wanted] of [
  ["a lost answer", LOST, 24],
  ["a 502 of the edge", new ServerError("bad gateway", { response: new Response("", { status: 502 }), bodyText: "" }), 24],
  ["a database that is away", answer("SERVICE_UNAVAILABLE"), 24],
  ["a server without time", answer("TIMEOUT"), 3],
  ["a fault", answer("INTERNAL_SERVER_ERROR"), 2],
  ["a token that ended", answer("UNAUTHENTICATED"), 1],
] as const) {
  test(`${what} is asked about ${wanted} times in all`, async () => {
    const { client, calls } = serverOf([failures])
    const attempt: Attempt = { unclear: false }
    const call = client.mutate({ mutation: ORDER, variables: WITH_KEY, context: { attempt } })
    await assert.rejects(settle(call))
    assert.equal(calls(), wanted)
    assert.equal(attempt.unclear, wanted > 1)
  })
}

test("a refusal is an answer, and repeated by nobody", async () => {
  const { client, calls } = serverOf([answer("BAD_USER_INPUT")])
  const error = await settle(client.mutate({ mutation: ORDER, variables: WITH_KEY })).catch((reason: unknown) => reason)
  assert.equal(failureOf(error), "refused")
  assert.equal(calls(), 1)
})

test("what comes in the end is the answer, and the customer hears meanwhile why it takes so long", async () => {
  const { client, notes } = serverOf([LOST, answer("TIMEOUT"), answer()])
  const attempt: Attempt = { unclear: false }
  const { data } = await settle(client.mutate({ mutation: ORDER, variables: WITH_KEY, context: { attempt } }))
  assert.deepEqual(data, { done: true })
  assert.deepEqual(notes, ["lost", "late"])
  assert.ok(attempt.unclear, "had it ended otherwise, nobody could say that nothing was done")
})

test("a mutation whose input has no key is never sent twice", async () => {
  const { client, calls } = serverOf([LOST])
  await assert.rejects(settle(client.mutate({ mutation: ORDER, variables: { input: {} } })))
  assert.equal(calls(), 1)
})

test("nor is one that says that it must not be", async () => {
  const { client, calls } = serverOf([LOST])
  await assert.rejects(settle(client.mutate({ mutation: ORDER, variables: WITH_KEY, context: { once: true } })))
  assert.equal(calls(), 1)
})

test("a customer is never told what is meant for developers", async () => {
  for (const code of ["UNAUTHENTICATED", "TIMEOUT", "INTERNAL_SERVER_ERROR", "FORBIDDEN"]) {
    const { client } = serverOf([answer(code)])
    const error = await settle(client.mutate({ mutation: ORDER, variables: WITH_KEY })).catch((reason: unknown) => reason)
    assert.doesNotMatch(messageOf(error), /developers/)
  }
})

test("of what nobody knows nobody says that nothing was done", () => {
  const clear: Attempt = { unclear: false }
  for (const error of [new Error("The server gave no answer."), new RangeError("in the page itself"), "thrown", undefined]) {
    assert.equal(didNothing(error, clear), false, String(error))
  }
  const withoutCode = new CombinedGraphQLErrors({ errors: [{ message: "of a gateway" }] })
  assert.equal(didNothing(withoutCode, clear), false)
  const refusal = new CombinedGraphQLErrors({ errors: [{ message: "no", extensions: { code: "FORBIDDEN" } }] })
  assert.equal(didNothing(refusal, clear), true)
  assert.equal(didNothing(refusal, { unclear: true }), false, "an earlier call may have done it")
})

/** Who is here, and what the server was sent as whom. */
function pageOf(answers: (Answer | (() => Answer))[]) {
  const now = { speaker: { who: "ada", token: "ada-1" } as Speaker | null, sent: [] as string[], renewals: 0, signedOut: 0 }
  const server = new ApolloLink((operation) => {
    const headers = operation.getContext()["headers"] as { authorization?: string } | undefined
    const given = answers[Math.min(now.sent.push(headers?.authorization ?? "") - 1, answers.length - 1)] ?? LOST
    const next = typeof given === "function" ? given() : given
    return next instanceof Error ? throwError(() => next) : of(next)
  })
  const signInAgain = () => {
    now.renewals++
    if (now.speaker) now.speaker = { ...now.speaker, token: "ada-2" }
    return Promise.resolve(true)
  }
  const speaker = () => now.speaker
  const link = ApolloLink.from([renewing(speaker, signInAgain, () => now.signedOut++), retrying(() => null), signing(speaker), failing, server])
  return { now, client: new ApolloClient({ link, cache: new InMemoryCache() }) }
}
const begin = (client: ApolloClient) => settle(client.mutate({ mutation: ORDER, variables: WITH_KEY })).catch((error: unknown) => failureOf(error))

test("what one person began is not repeated as whoever came next, nor as nobody", async () => {
  for (const next of [{ who: "bob", token: "bob-1" }, null]) {
    const { now, client } = pageOf([() => { now.speaker = next; return LOST }, answer()])
    assert.equal(await begin(client), "refused")
    assert.deepEqual([now.sent, now.renewals, now.signedOut], [["Bearer ada-1"], 0, 0])
  }
})

test("a token that ended under somebody who has left signs nobody out", async () => {
  const { now, client } = pageOf([() => { now.speaker = { who: "bob", token: "bob-1" }; return answer("UNAUTHENTICATED") }])
  assert.equal(await begin(client), "signed-out")
  assert.deepEqual([now.renewals, now.signedOut], [0, 0])
})

test("a call whose token was renewed by another call meanwhile is sent once more with that one", async () => {
  const { now, client } = pageOf([() => { now.speaker = { who: "ada", token: "ada-3" }; return answer("UNAUTHENTICATED") }, answer()])
  await begin(client)
  assert.deepEqual([now.sent, now.renewals, now.signedOut], [["Bearer ada-1", "Bearer ada-3"], 0, 0])
})

test("a renewed token that the server doesn't take either signs out", async () => {
  const { now, client } = pageOf([answer("UNAUTHENTICATED")])
  assert.equal(await begin(client), "signed-out")
  assert.deepEqual([now.sent.length, now.renewals, now.signedOut], [2, 1, 1])
})
