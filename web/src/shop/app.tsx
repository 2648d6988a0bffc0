import { useApolloClient } from "@apollo/client/react"
import { useEffect, useState } from "react"
import icon from "../pictures/icon.svg"
import type { Config } from "../shared/config.ts"
import { onReturn } from "../shared/returning.ts"
import { useStore } from "../shared/store.ts"
import { trouble } from "../shared/trouble.ts"
import { CartDrawer } from "./cart/cart-drawer.tsx"
import { cart, countOf } from "./cart/cart.ts"
import { Catalogue } from "./catalogue/catalogue.tsx"
import { Checkout } from "./checkout/checkout.tsx"
import { DeveloperDrawer } from "./developer/developer.tsx"
import { OrderPage } from "./orders/order-page.tsx"
import { Orders } from "./orders/orders.tsx"
import { Announcer } from "./parts/announcer.tsx"
import { Link } from "./parts/link.tsx"
import { SignedOut } from "./parts/sign-in.tsx"
import { type Route, useRoute } from "./route.ts"
import { choose, user } from "./session.ts"

export function App({ config }: { config: Config }) {
  const client = useApolloClient()
  const route = useRoute()
  const who = useStore(user)
  const [cartOpen, setCartOpen] = useState(false)
  // Whatever a page shows may be old when it is back from wherever it was.
  useEffect(() => onReturn(() => void client.refetchQueries({ include: "active" }).catch(() => null)), [client])
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Header config={config} route={route} openCart={() => setCartOpen(true)} />
      <div>
        <Trouble />
        <SignedOut />
        <Announcer />
      </div>
      <main id="main" key={who?.id ?? "nobody"}>
        <Page config={config} route={route} />
      </main>
      <footer className="foot">
        <p>
          Kiosk 402 is a demo shop on <a href="/explorer/">a GraphQL API</a>. No goods, no real money.
        </p>
      </footer>
      <DeveloperDrawer />
      {cartOpen && <CartDrawer close={() => setCartOpen(false)} />}
    </>
  )
}

function Page({ config, route }: { config: Config; route: Route }) {
  switch (route.page) {
    case "shop":
      return <Catalogue />
    case "orders":
      return <Orders />
    case "order":
      return <OrderPage key={route.id} id={route.id} />
    case "pay":
      return <Checkout key={route.id} config={config} id={route.id} cameBackWith={route.returned ?? null} />
  }
}

function Header({ config, route, openCart }: { config: Config; route: Route; openCart: () => void }) {
  const count = countOf(useStore(cart))
  const isGuest = useStore(user)?.role === "guest"
  return (
    <header className="head">
      <div className="head-inside">
        <Link className="brand" to={{ page: "shop" }}>
          <img src={icon} alt="" width="40" height="40" />
          <span>
            Kiosk <em>402</em>
          </span>
        </Link>
        <nav aria-label="Main">
          <Link to={{ page: "shop" }} current={route.page === "shop"}>
            Shop
          </Link>
          {!isGuest && (
            <Link to={{ page: "orders" }} current={route.page === "orders"}>
              My orders
            </Link>
          )}
        </nav>
        {config.users.length > 1 && !isGuest && <Persona config={config} />}
        {!isGuest && (
          <button className="cart-button" onClick={openCart}>
            Cart <span className="count">{count}</span>
            <span className="visually-hidden">{count === 1 ? "thing in it" : "things in it"}</span>
          </button>
        )}
      </div>
    </header>
  )
}

/** The demo lets anyone be anyone. What one has seen is forgotten with the change. */
function Persona({ config }: { config: Config }) {
  const client = useApolloClient()
  const who = useStore(user)
  const become = async (each: Config["users"][number]) => {
    await client.clearStore()
    choose(each)
  }
  return (
    <fieldset className="persona">
      <legend>Shopping as</legend>
      {config.users.map((each) => (
        <label key={each.id}>
          <input type="radio" name="persona" checked={each.id === who?.id} onChange={() => void become(each)} />
          <span>{each.name}</span>
        </label>
      ))}
    </fieldset>
  )
}

function Trouble() {
  const why = useStore(trouble)
  return (
    <div role="status">
      {why && (
        <p className="banner">
          {why === "late" ? "The shop is very busy" : "The shop isn’t answering"}; we keep trying. Nothing is lost and
          nothing is done twice.
        </p>
      )}
    </div>
  )
}
