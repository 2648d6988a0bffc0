import { useApolloClient } from "@apollo/client/react"
import { useCallback, useEffect, useState } from "react"
import icon from "../pictures/icon.svg"
import { Boundary } from "../shared/boundary.tsx"
import type { Config } from "../shared/config.ts"
import { onReturn } from "../shared/returning.ts"
import { useStore } from "../shared/store.ts"
import { trouble } from "../shared/trouble.ts"
import { heardAt } from "./client.ts"
import { Disputes } from "./disputes/disputes.tsx"
import { Help } from "./help.tsx"
import { Home, useOpenCases } from "./home/home.tsx"
import { Keys } from "./keys/keys.tsx"
import { OrderPage } from "./order/order-page.tsx"
import { Orders } from "./orders/orders.tsx"
import { clockTime } from "./parts/dates.ts"
import { Link } from "./parts/link.tsx"
import { Notice } from "./parts/notice.tsx"
import { useOnline } from "./parts/online.ts"
import { Products } from "./products/products.tsx"
import { type PageName, type Route, useRoute } from "./route.ts"
import { Search } from "./search.tsx"
import { ended, signOut, visitor } from "./session.ts"
import { useShortcuts } from "./shortcuts.ts"
import type { Arrival } from "./sign-in/arrival.ts"
import { SignInAgain } from "./sign-in/sign-in-again.tsx"
import { SignIn, SignedInElsewhere } from "./sign-in/sign-in.tsx"
import { EndpointPage } from "./webhooks/endpoint-page.tsx"
import { Webhooks } from "./webhooks/webhooks.tsx"

export function App({ config, arrival }: { config: Config; arrival: Arrival }) {
  const who = useStore(visitor)
  const hasEnded = useStore(ended)
  useEffect(() => {
    const left = who?.until ? who.until - Date.now() : LONGEST_TIMER
    if (left >= LONGEST_TIMER) return // the server says so when it is time
    const end = setTimeout(() => ended.set(true), Math.max(0, left))
    return () => clearTimeout(end)
  }, [who])
  if (arrival === "elsewhere") return <SignedInElsewhere />
  if (!who) return <SignIn config={config} arrival={arrival} />
  return (
    <>
      <Desk />
      {hasEnded && <SignInAgain config={config} who={who} before={arrival} />}
    </>
  )
}

const LONGEST_TIMER = 2 ** 31 - 1 // milliseconds

function Desk() {
  const client = useApolloClient()
  const route = useRoute()
  const [showsHelp, setShowsHelp] = useState(false)
  const showHelp = useCallback(() => setShowsHelp(true), [])
  useShortcuts(showHelp)
  // Whatever a page shows may be old when it is back from wherever it was.
  useEffect(() => onReturn(() => void client.refetchQueries({ include: "active" }).catch(() => null)), [client])
  return (
    <div className="desk">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="side-bar">
        <p className="brand">
          <img src={icon} alt="" width="24" height="24" /> Desk
        </p>
        <Menu route={route} />
        <Who showHelp={showHelp} />
      </header>
      <div className="work">
        <div className="top-bar">
          <Search />
          <Freshness />
        </div>
        <main id="main">
          <Boundary key={route.page} instead={<Notice tone="bad" title="This page broke. Load it again; nothing was changed by it." />}>
            <Shown route={route} />
          </Boundary>
        </main>
      </div>
      {showsHelp && <Help close={() => setShowsHelp(false)} />}
    </div>
  )
}

function Shown({ route }: { route: Route }) {
  switch (route.page) {
    case "home":
      return <Home closed={route.closed ?? false} after={route.after ?? null} />
    case "orders":
      return <Orders filter={route.filter} after={route.after ?? null} />
    case "order":
      return <OrderPage key={route.id} id={route.id} />
    case "disputes":
      return <Disputes after={route.after ?? null} />
    case "products":
      return <Products after={route.after ?? null} />
    case "webhooks":
      return <Webhooks />
    case "endpoint":
      return <EndpointPage key={route.id} id={route.id} status={route.status} after={route.after ?? null} />
    case "keys":
      return <Keys />
  }
}

const MENU: { name: string; to: Route }[] = [
  { name: "Home", to: { page: "home" } },
  { name: "Orders", to: { page: "orders", filter: { view: "all" } } },
  { name: "Disputes", to: { page: "disputes" } },
  { name: "Products", to: { page: "products" } },
  { name: "Webhooks", to: { page: "webhooks" } },
  { name: "Service keys", to: { page: "keys" } },
]

/** Pages that are reached from another one, which the menu then shows as the present one. */
const WITHIN: Partial<Record<PageName, PageName>> = { order: "orders", endpoint: "webhooks" }

function Menu({ route }: { route: Route }) {
  const cases = useOpenCases()
  const here = WITHIN[route.page] ?? route.page
  return (
    <nav className="menu" aria-label="Main">
      {MENU.map(({ name, to }) => (
        <Link key={name} to={to} current={to.page === here}>
          {name}
          {to.page === "home" && cases !== null && cases.count > 0 && (
            <span className="count">
              {cases.count}
              {cases.isMore && "+"}
              <span className="visually-hidden"> waiting</span>
            </span>
          )}
        </Link>
      ))}
    </nav>
  )
}

function Who({ showHelp }: { showHelp: () => void }) {
  const who = useStore(visitor)
  return (
    <div className="who">
      <span className="who-name" title={who?.name}>
        {who?.name}
      </span>
      <button className="plain" onClick={signOut}>
        Sign out
      </button>
      <button className="plain" onClick={showHelp}>
        Keys <kbd aria-hidden="true">?</kbd>
      </button>
    </div>
  )
}

/** How old what is shown may be. */
function Freshness() {
  const why = useStore(trouble)
  const heard = useStore(heardAt)
  const isOnline = useOnline()
  const since = heard ? ` What you see is from ${clockTime(heard)}.` : ""
  return (
    <>
      <p className="fresh muted">{heard && `Updated ${clockTime(heard)}`}</p>
      <div className="banner-place" role="status">
        {!isOnline && <p className="banner">You are offline.{since}</p>}
        {isOnline && why && (
          <p className="banner">
            {why === "late" ? "The server is very busy" : "The server isn’t answering"}; we keep trying, and nothing is done twice.{since}
          </p>
        )}
      </div>
    </>
  )
}
