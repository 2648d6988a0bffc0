import type { ApolloClient } from "@apollo/client"
import { createContext, use, useEffect } from "react"
import { graphql } from "../../gql/index.ts"
import { onLeave, onReturn } from "../../shared/returning.ts"
import type { Socket } from "../../shared/socket.ts"

const ORDER_UPDATED = graphql(/* GraphQL */ `
  subscription OrderUpdated($id: ID!) {
    orderUpdated(orderId: $id) { ...OrderStanding }
  }
`)

const ORDER_STATUS = graphql(/* GraphQL */ `
  query OrderStatus($id: ID!) {
    order(id: $id) { ...OrderStanding }
  }
`)

/** Where news of an order come from. */
export interface News {
  /** Listens until what it returns is called; `ended` runs when the listening ends by itself. */
  listen: (ended: () => void) => () => void
  /** Asks once. */
  look: () => Promise<unknown>
  /** Whether news arrive by themselves right now. */
  isLive: () => boolean
}

const LONGEST_PAUSE = 30_000 // milliseconds

/**
 * Keeps an order up to date: listens, and begins to listen again whenever that ends; while nothing arrives by itself it
 * asks, first after `pause` milliseconds and then ever more slowly. A page that leaves stops, and one that is back looks.
 */
export function follow({ listen, look, isLive }: News, pause: number): () => void {
  let isListening = false
  let stopListening = () => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let next = pause

  const begin = () => {
    stopListening()
    isListening = true
    stopListening = listen(() => (isListening = false))
  }
  const schedule = () => {
    clearTimeout(timer)
    timer = setTimeout(() => void tick(), next)
  }
  const tick = async () => {
    if (isListening && isLive()) next = pause
    else {
      next = Math.min(next * 1.5, LONGEST_PAUSE)
      if (!isListening) begin()
      await look().catch(() => null) // it asks again
    }
    if (timer !== undefined) schedule()
  }
  const rest = () => {
    clearTimeout(timer)
    timer = undefined
    isListening = false
    stopListening()
    stopListening = () => {}
  }
  const resume = () => {
    next = pause
    begin()
    schedule()
    void look().catch(() => null)
  }
  begin()
  schedule()
  const forget = [onLeave(rest), onReturn(resume)]
  return () => {
    rest()
    for (const stop of forget) stop()
  }
}

/** Asks how the order stands; whoever shows it hears of it through the cache. */
export async function lookAt(client: ApolloClient, id: string) {
  const { data } = await client.query({ query: ORDER_STATUS, variables: { id }, fetchPolicy: "network-only" })
  return data?.order ?? null
}

export function newsOf(client: ApolloClient, socket: Socket, id: string): News {
  return {
    listen: (ended) => {
      const news = client.subscribe({ query: ORDER_UPDATED, variables: { id } })
      const hearing = news.subscribe({ next: ({ error }) => error && ended(), error: ended, complete: ended })
      return () => hearing.unsubscribe()
    },
    look: () => lookAt(client, id),
    isLive: socket.live.get,
  }
}

export const Following = createContext<(id: string) => News>(() => {
  throw new Error("Following has no provider.")
})

/** Keeps the order in the cache up to date while `isWanted`; `pause` is for where no socket comes through. */
export function useFollowed(id: string, isWanted: boolean, pause = 2_000): void {
  const newsOfOrder = use(Following)
  useEffect(() => (isWanted ? follow(newsOfOrder(id), pause) : undefined), [id, isWanted, pause, newsOfOrder])
}
