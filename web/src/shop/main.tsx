import { ApolloProvider } from "@apollo/client/react"
import { createRoot } from "react-dom/client"
import { readConfig } from "../config.ts"
import { App } from "./app.tsx"
import { buildClient, user } from "./client.ts"
import "./shop.css"

const root = createRoot(document.getElementById("app") as HTMLElement)

try {
  const config = await readConfig()
  user.set(config.users[0] ?? null)
  root.render(
    <ApolloProvider client={buildClient(config)}>
      <App config={config} />
    </ApolloProvider>,
  )
} catch {
  root.render(
    <main className="closed">
      <h1>The kiosk isn’t answering.</h1>
      <p>Your orders and payments are safe. Load the page again in a moment.</p>
      <button className="button" onClick={() => location.reload()}>
        Load again
      </button>
    </main>,
  )
}
