import type { Fetcher, FetcherParams, FetcherReturnType } from "@graphiql/toolkit"
import { type DocumentNode, getOperationAST } from "graphql"
import { buildSocket } from "../shared/socket.ts"
import { renewSpeaker, speaker } from "./speaker.tsx"

type Headers = Record<string, string>
interface Answer {
  data?: unknown
  errors?: { message: string; extensions?: Record<string, unknown> }[]
}

const TRYING = "The connection to the server was lost. Trying again…"
const TOKEN_ENDED = 4403 // the server's code for it

/** Queries and mutations go by POST; subscriptions over WebSocket, as often as the connection has to be made anew. */
export function fetcherOf(graphql: string): Fetcher {
  return (operation, options) => {
    const headers: Headers = options?.headers ?? {}
    return isSubscription(operation, options?.documentAST) 
      ? subscribe(graphql, operation, headers)
      : (ask(graphql, operation, headers) as FetcherReturnType) // its errors are the server's JSON
  }
}

function isSubscription({ operationName }: FetcherParams, document?: DocumentNode): boolean {
  return !!document && String(getOperationAST(document, operationName ?? null)?.operation) === "subscription"
}

/** What the headers editor holds; and the chosen speaker's token, unless it has one. */
function signed(headers: Headers): Headers {
  const token = speaker.get()?.token
  return !token || isSigned(headers) ? headers : { ...headers, Authorization: `Bearer ${token}` }
}

const isSigned = (headers: Headers): boolean => Object.keys(headers).some((name) => name.toLowerCase() === "authorization")

async function ask(graphql: string, operation: FetcherParams, headers: Headers): Promise<Answer> {
  const answer = await post(graphql, operation, signed(headers))
  const isUnknown = answer.errors?.some(({ extensions }) => extensions?.["code"] === "UNAUTHENTICATED")
  return isUnknown && (await renewSpeaker()) ? post(graphql, operation, signed(headers)) : answer
}

async function post(graphql: string, operation: FetcherParams, headers: Headers): Promise<Answer> {
  const accept = "application/graphql-response+json, application/json"
  const request = { method: "POST", headers: { "Content-Type": "application/json", Accept: accept, ...headers }, body: JSON.stringify(operation) }
  try {
    const answer = await fetch(graphql, request)
    const text = await answer.text()
    return answerOf(text) ?? problem(`The server answered with status ${answer.status} and no GraphQL: ${text.slice(0, 200)}`)
  } catch (error) {
    return problem(`The server isn’t answering (${error instanceof Error ? error.message : String(error)}).`)
  }
}

function answerOf(text: string): Answer | null {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return null
  }
}

const problem = (message: string): Answer => ({ errors: [{ message }] })

interface Observer {
  next: (answer: Answer) => void
  error: (error: unknown) => void
  complete: () => void
}

/** A socket of its own for each subscription: it signs in with what the headers editor holds now. */
function subscribe(graphql: string, operation: FetcherParams, headers: Headers): FetcherReturnType {
  return {
    subscribe(observer: Observer) {
      const { client } = buildSocket(graphql, () => signed(headers))
      let isOver = false
      // It rejects where no connection came about, with the event that is told already.
      const stop = () => void Promise.resolve(client.dispose()).catch(() => null)
      const forget = client.on("closed", (event) => {
        if (isOver) return
        observer.next(problem(TRYING))
        if ((event as Partial<CloseEvent>).code !== TOKEN_ENDED) return
        if (isSigned(headers)) return end(problemOf(event)) // the same token would be sent again, for ever
        void renewSpeaker().then((isNew) => isNew || isOver || end(problemOf(event)))
      })
      const end = (last?: Answer) => {
        isOver = true
        forget()
        if (last) observer.next(last)
        observer.complete()
        stop()
      }
      client.subscribe<Record<string, unknown>>(
        { query: operation.query, operationName: operation.operationName ?? null, variables: operation.variables as Record<string, unknown> },
        { next: (answer) => observer.next(answer as Answer), error: (error) => end(problemOf(error)), complete: () => end() },
      )
      return {
        unsubscribe: () => {
          isOver = true
          forget()
          stop()
        },
      }
    },
  } as FetcherReturnType
}

/** Errors of graphql-ws are GraphQL's own, the close of a socket, or an event that says nothing. */
export function problemOf(error: unknown): Answer {
  if (Array.isArray(error)) return { errors: error as Answer["errors"] }
  if (error instanceof Error) return problem(error.message)
  const { code, reason } = (error ?? {}) as { code?: number; reason?: string }
  return problem(code ? `The server closed the connection: ${reason || "without a reason"} (${code}).` : "The server isn’t answering.")
}
