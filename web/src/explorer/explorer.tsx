import { DOC_EXPLORER_PLUGIN } from "@graphiql/plugin-doc-explorer"
import "@graphiql/plugin-doc-explorer/style.css"
import { explorerPlugin } from "@graphiql/plugin-explorer"
import "@graphiql/plugin-explorer/style.css"
import { HISTORY_PLUGIN } from "@graphiql/plugin-history"
import "@graphiql/plugin-history/style.css"
import "@graphiql/react/style.css"
import { GraphiQL } from "graphiql"
import "graphiql/graphiql.css"
import "graphiql/setup-workers/vite"
import { useState } from "react"
import type { Config } from "../shared/config.ts"
import { examplesPlugin } from "./examples-panel.tsx"
import type { Example } from "./examples.ts"
import { fetcherOf } from "./fetcher.ts"
import { SendAs, speaker } from "./speaker.tsx"
import { keepsHeaders, storage } from "./storage.ts"

/** The first visit opens some of the examples; after that the browser keeps the tabs, and headers only when asked to. */
export function Explorer({ config, examples }: { config: Config; examples: Example[] }) {
  const [kept] = useState(() => {
    speaker.set(config.users[0] ?? null)
    const fields = explorerPlugin({ showAttribution: false })
    return {
      fetcher: fetcherOf(config.graphql),
      // GraphiQL's own plugins, and two more. A list replaces its list.
      plugins: [HISTORY_PLUGIN, examplesPlugin(examples, config.users), fields],
      fields,
      storage: storage(),
      keepsHeaders: keepsHeaders(),
    }
  })
  return (
    <GraphiQL
      fetcher={kept.fetcher}
      plugins={kept.plugins}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      defaultTabs={examples.filter(({ isOpen }) => isOpen)}
      defaultEditorToolsVisibility="variables"
      visiblePlugin={innerWidth > 1000 ? kept.fields : undefined}
      shouldPersistHeaders={kept.keepsHeaders}
      showPersistHeadersSettings
      storage={kept.storage}
    >
      <GraphiQL.Logo>
        <span>Paygraph</span>
        {config.users.length > 0 && <a href="/">Shop</a>}
        <SendAs users={config.users} />
      </GraphiQL.Logo>
    </GraphiQL>
  )
}
