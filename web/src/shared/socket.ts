import { type Client, createClient } from "graphql-ws"
import { Store } from "./store.ts"

const LONGEST_PAUSE = 10_000 // milliseconds between two attempts to connect
const PING = 20_000 // milliseconds; a connection that died without a word is noticed then

export interface Socket {
  client: Client
  /** Whether the server is connected right now, so that news arrive by themselves. */
  live: Store<boolean>
}

/** GraphQL over WebSocket at the same address. It connects while somebody listens, and again whenever it is cut off. */
export function buildSocket(graphql: string, parameters: () => Record<string, unknown>): Socket {
  const url = new URL(graphql, location.href)
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:"
  const live = new Store(false)
  const client = createClient({
    url: url.href,
    connectionParams: parameters, // asked at each connection: a token that was renewed is sent
    keepAlive: PING,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (retries) => pause(Math.random() * Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(retries, 10))),
    on: { connected: () => live.set(true), closed: () => live.set(false) },
  })
  return { client, live }
}

const pause = (milliseconds: number) => new Promise<void>((wake) => setTimeout(wake, milliseconds))
