import { ApolloProvider } from "@apollo/client/react"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { Boundary } from "../shared/boundary.tsx"
import { readConfig } from "../shared/config.ts"
import { keepFocusNear } from "../shared/keep-focus.ts"
import { App } from "./app.tsx"
import { buildClient } from "./client.ts"
import { Following, newsOf } from "./orders/follow.ts"
import { arrival } from "./route.ts"
import { chosenOf, guestOf, user } from "./session.ts"
import "./shop.css"

keepFocusNear()
const root = createRoot(document.getElementById("app") as HTMLElement)
try {
  const config = await readConfig()
  user.set(guestOf(arrival) ?? chosenOf(config))
  const { client, socket } = buildClient(config)
  user.subscribe(() => socket.client.terminate()) // it connects again, as whoever it is now
  root.render(
    <StrictMode>
      <Boundary instead={<Closed title="This page broke." />}>
        <ApolloProvider client={client}>
          <Following value={(id) => newsOf(client, socket, id)}>
            <App config={config} />
          </Following>
        </ApolloProvider>
      </Boundary>
    </StrictMode>,
  )
} catch {
  root.render(<Closed title="The kiosk isn’t answering." />)
}

function Closed({ title }: { title: string }) {
  return (
    <main className="closed">
      <h1>{title}</h1>
      <p>Your orders and payments are safe. Load the page again in a moment.</p>
      <button className="button" onClick={() => location.reload()}>
        Load again
      </button>
    </main>
  )
}
