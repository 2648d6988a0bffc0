import type { ApolloClient } from "@apollo/client"
import { createContext, use, useEffect } from "react"
import { graphql } from "./gql/index.ts"
import { type News, follow } from "../shared/follow.ts"
import type { Socket } from "../shared/socket.ts"
import { useStore } from "../shared/store.ts"
import { ORDER } from "./order/queries.ts"
import { ended } from "./session.ts"

const NEWS = graphql(/* GraphQL */ `
  subscription DeskOrderNews($id: ID!) {
    orderUpdated(orderId: $id) { id ...DeskOrder }
  }
`)

const PAUSE = 5_000 // milliseconds, where no socket comes through

export const Live = createContext<((id: string) => News) | null>(null)

export const newsFrom = (client: ApolloClient, socket: Socket) => (id: string): News => ({
  listen: (ended) => {
    const hearing = client.subscribe({ query: NEWS, variables: { id } }).subscribe({ next: ({ error }) => error && ended(), error: ended, complete: ended })
    return () => hearing.unsubscribe()
  },
  look: () => client.query({ query: ORDER, variables: { id }, fetchPolicy: "network-only" }),
  isLive: socket.live.get,
})

/** Keeps an open order up to date. */
export function useLive(id: string, isWanted: boolean): void {
  const newsOf = use(Live)
  const hears = !useStore(ended) && isWanted
  useEffect(() => (hears && newsOf ? follow(newsOf(id), PAUSE) : undefined), [id, hears, newsOf])
}
