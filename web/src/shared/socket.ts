import { type Client, createClient } from "graphql-ws"
import { Store } from "./store.ts"

const LONGEST_PAUSE = 10_000 // milliseconds between two attempts to connect
const PING = 20_000 // milliseconds of silence after which the server is asked whether it is there
const PATIENCE = 5_000 // milliseconds for its answer, and for its first word

export interface Socket {
  client: Client
  /** Whether the server is connected right now, so that news arrive by themselves. */
  live: Store<boolean>
}

/**
 * GraphQL over WebSocket at the same address. It connects while somebody listens, and again whenever it is cut off. A
 * connection that died without a word is cut here: the browser would take it for alive for a quarter of an hour.
 */
export function buildSocket(graphql: string, parameters: () => Record<string, unknown>): Socket {
  const url = new URL(graphql, location.href)
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:"
  const live = new Store(false)
  let silence: ReturnType<typeof setTimeout> | undefined
  const client = createClient({
    url: url.href,
    connectionParams: parameters, // asked at each connection: a token that was renewed is sent
    connectionAckWaitTimeout: PATIENCE,
    keepAlive: PING,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (retries) => pause(Math.random() * Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(retries, 10))),
    on: {
      connected: () => live.set(true),
      closed: () => {
        clearTimeout(silence)
        live.set(false)
      },
      ping: (received) => {
        if (!received) silence = setTimeout(() => client.terminate(), PATIENCE)
      },
      pong: (received) => received && clearTimeout(silence),
    },
  })
  return { client, live }
}

const pause = (milliseconds: number) => new Promise<void>((wake) => setTimeout(wake, milliseconds))
