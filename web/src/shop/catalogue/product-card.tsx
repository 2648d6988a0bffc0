import { useEffect, useRef, useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { ProductCardFragment } from "../../gql/graphql.ts"
import { useStore } from "../../shared/store.ts"
import { cart, emptyCart, quantityOf, setQuantity } from "../cart/cart.ts"
import { Stepper } from "../cart/stepper.tsx"
import { announce } from "../parts/announcer.tsx"
import { Money } from "../parts/money.tsx"
import { pictureOf } from "./pictures.ts"

export const PRODUCT_CARD = graphql(/* GraphQL */ `
  fragment ProductCard on Product {
    ...ProductFields
    description
  }
`)

export function ProductCard({ product }: { product: ProductCardFragment }) {
  return (
    <article className="card">
      <img src={product.image ?? pictureOf(product.name)} alt="" width="400" height="344" loading="lazy" />
      <div className="card-text">
        <h3>{product.name}</h3>
        <p className="muted">{product.description}</p>
        <div className="card-foot">
          <strong>
            <Money of={product.price} />
          </strong>
          <Quantity product={product} />
        </div>
      </div>
    </article>
  )
}

/** “Add to cart”, then how many. One order has one currency: another one asks before it begins a new cart. */
function Quantity({ product }: { product: ProductCardFragment }) {
  const now = useStore(cart)
  const [asking, setAsking] = useState(false)
  const place = useRef<HTMLDivElement>(null)
  const pressed = useRef(false)
  const quantity = quantityOf(now, product.id)
  const inCart = quantity > 0
  const { currency } = product.price

  // The button that was pressed gives way to another one, which takes the focus.
  useEffect(() => {
    if (!pressed.current) return
    pressed.current = false
    place.current?.querySelector<HTMLButtonElement>(".stepper button:last-of-type, .add")?.focus()
  }, [inCart])

  const set = (to: number) => {
    pressed.current = inCart !== to > 0
    setQuantity(product, to)
    announce(to > 0 ? `${product.name}: ${to} in the cart` : `${product.name}: taken out of the cart`)
  }
  const startAnew = () => {
    emptyCart()
    set(1)
    setAsking(false)
  }
  const isForeign = now.lines.length > 0 && now.lines[0]?.price.currency !== currency
  return (
    <div ref={place} className="quantity">
      {asking ? (
        <div className="ask" role="group" aria-label={`${product.name} is priced in ${currency}`}>
          <p role="status">
            Your cart is in {now.lines[0]?.price.currency}; this is in {currency}. An order has one currency.
          </p>
          <button className="button small" onClick={startAnew} autoFocus>
            Start a {currency} cart
          </button>
          <button className="button small quiet" onClick={() => setAsking(false)}>
            Keep mine
          </button>
        </div>
      ) : inCart ? (
        <Stepper name={product.name} quantity={quantity} set={set} />
      ) : (
        <button className="button small add" onClick={() => (isForeign ? setAsking(true) : set(1))}>
          <span>
            Add<span className="visually-hidden"> {product.name}</span> to cart
          </span>
        </button>
      )}
    </div>
  )
}
