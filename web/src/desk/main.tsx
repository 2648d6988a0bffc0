import { ApolloProvider } from "@apollo/client/react"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { Boundary } from "../shared/boundary.tsx"
import { readConfig } from "../shared/config.ts"
import { keepFocusNear } from "../shared/keep-focus.ts"
import { onReturn } from "../shared/returning.ts"
import { App } from "./app.tsx"
import { arrive, isArriving } from "./sign-in/arrival.ts"
import { buildClient } from "./client.ts"
import "./desk.css"
import { Live, newsFrom } from "./live.ts"
import { IsSandbox } from "./order/stripe-link.tsx"
import { hasLeft, visitor } from "./session.ts"

keepFocusNear()
onReturn((fromCache) => fromCache && hasLeft() && location.reload())
const root = createRoot(document.getElementById("app") as HTMLElement)
if (isArriving()) root.render(<p className="loading" role="status">Signing in…</p>)
try {
  const config = await readConfig()
  const { client, socket } = buildClient(config)
  visitor.subscribe(() => {
    socket.client.terminate() // it connects again, as whoever it is now
    if (visitor.get()) void client.refetchQueries({ include: "active" }).catch(() => null)
    else void client.clearStore() // nobody sees what only the one before may see
  })
  const arrival = await arrive(config)
  root.render(
    <StrictMode>
      <Boundary instead={<Broken title="The desk broke." />}>
        <ApolloProvider client={client}>
          <IsSandbox value={config.sandbox !== null}>
            <Live value={newsFrom(client, socket)}>
              <App config={config} arrival={arrival} />
            </Live>
          </IsSandbox>
        </ApolloProvider>
      </Boundary>
    </StrictMode>,
  )
} catch {
  root.render(<Broken title="The server isn’t answering." />)
}

function Broken({ title }: { title: string }) {
  return (
    <main className="sign-in">
      <h1>{title}</h1>
      <p>Load the page again in a moment. Nothing was changed.</p>
      <button className="button strong" onClick={() => location.reload()}>
        Load again
      </button>
    </main>
  )
}
