import { explorerPlugin } from "@graphiql/plugin-explorer"
import "@graphiql/plugin-explorer/style.css"
import { createGraphiQLFetcher } from "@graphiql/toolkit"
import { GraphiQL } from "graphiql"
import "graphiql/setup-workers/vite"
import "graphiql/style.css"
import { useState } from "react"
import type { Config } from "../shared/config.ts"
import type { Example } from "./examples.ts"

const plugins = [explorerPlugin({ showAttribution: false })]

/** In the demo each load begins with the examples and a fresh token; elsewhere the browser keeps the tabs. */
export function Explorer({ config, tabs }: { config: Config; tabs: Example[] }) {
  const demo = config.users.length > 0
  const [fetcher] = useState(() => fetcherOf(config))
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      defaultTabs={tabs}
      defaultHeaders={tabs[0]?.headers}
      defaultEditorToolsVisibility="variables"
      visiblePlugin={innerWidth > 1000 ? plugins[0] : undefined}
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      storage={demo ? new Forgetful() : undefined}
    >
      <GraphiQL.Logo>
        <span>Paygraph</span>
        {demo && <a href="/">Shop</a>}
      </GraphiQL.Logo>
    </GraphiQL>
  )
}

/** Subscriptions open a socket each and sign in with what the headers editor holds then, as queries do. */
function fetcherOf({ graphql }: Config) {
  const socket = new URL(graphql, location.href)
  socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:"
  return createGraphiQLFetcher({ url: graphql, subscriptionUrl: socket.href })
}

/** A `Storage` that lasts as long as the page. */
class Forgetful {
  #items = new Map<string, string>()

  get length() {
    return this.#items.size
  }
  clear = () => this.#items.clear()
  getItem = (name: string) => this.#items.get(name) ?? null
  key = (place: number) => [...this.#items.keys()][place] ?? null
  removeItem = (name: string) => void this.#items.delete(name)
  setItem = (name: string, value: string) => void this.#items.set(name, value)
}
