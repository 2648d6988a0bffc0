import type { ApolloClient } from "@apollo/client"
import { createContext, use, useEffect } from "react"
import { graphql } from "../../gql/index.ts"
import { type News, follow } from "../../shared/follow.ts"
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
