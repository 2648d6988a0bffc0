import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import type { ProductsQuery } from "../gql/graphql.ts"
import lamp from "../pictures/lamp.svg"
import mug from "../pictures/mug.svg"
import notebook from "../pictures/notebook.svg"
import { cart, emptyCart, quantityOf, setQuantity } from "./cart.ts"
import { messageOf } from "./failure.ts"
import { PRODUCTS } from "./operations.ts"
import { Heading, Money, Notice, Spinner } from "./parts.tsx"
import { pictureOf } from "./pictures.ts"
import { useStore } from "./store.ts"

export type Product = ProductsQuery["products"]["nodes"][number]

/** Everything that is for sale, page by page. */
export function useProducts() {
  const { data, error, loading, fetchMore, refetch } = useQuery(PRODUCTS, { fetchPolicy: "cache-first" })
  const more = data?.products.pageInfo.hasNextPage
    ? () =>
        fetchMore({
          variables: { after: data.products.pageInfo.endCursor },
          updateQuery: (before, { fetchMoreResult: next }) => ({
            products: { ...next.products, nodes: [...before.products.nodes, ...next.products.nodes] },
          }),
        })
    : null
  return { products: data?.products.nodes ?? [], error, loading, more, refetch }
}

export function Catalogue() {
  const { products, error, loading, more, refetch } = useProducts()
  return (
    <>
      <section className="hero">
        <div>
          <Heading title="Shop">Good things for a desk that ships.</Heading>
          <p>
            Ten small things, each worth its place beside your keyboard. Paid safely by card, sent within the day — and
            since this is a demo, not really sent at all.
          </p>
          <a className="button gold" href="#things">
            See what’s in
          </a>
        </div>
        <div className="collage" aria-hidden="true">
          <img src={lamp} alt="" />
          <img src={mug} alt="" />
          <img src={notebook} alt="" />
        </div>
      </section>
      <section aria-labelledby="things">
        <h2 id="things">In the kiosk today</h2>
        {loading && products.length === 0 && <Spinner>Fetching what’s for sale…</Spinner>}
        {error && products.length === 0 && (
          <Notice tone="bad" title="The catalogue could not be read.">
            <p>{messageOf(error)}</p>
            <button className="button" onClick={() => void refetch()}>
              Try again
            </button>
          </Notice>
        )}
        <ul className="grid">
          {products.map((product) => (
            <li key={product.id}>
              <Card product={product} />
            </li>
          ))}
        </ul>
        {more && (
          <button className="button quiet" onClick={() => void more()}>
            Show more
          </button>
        )}
      </section>
    </>
  )
}

function Card({ product }: { product: Product }) {
  return (
    <article className="card">
      <img src={product.image ?? pictureOf(product.name)} alt="" width="400" height="400" loading="lazy" />
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
function Quantity({ product }: { product: Product }) {
  const now = useStore(cart)
  const [asking, setAsking] = useState(false)
  const quantity = quantityOf(now, product.id)
  const { currency } = product.price
  if (asking) {
    const start = () => {
      emptyCart()
      setQuantity(product.id, currency, 1)
      setAsking(false)
    }
    return (
      <div className="ask" role="group" aria-label={`${product.name} is priced in ${currency}`}>
        <p role="status">
          Your cart is in {now.currency}; this is in {currency}. An order has one currency.
        </p>
        <button className="button small" onClick={start} autoFocus>
          Start a {currency} cart
        </button>
        <button className="button small quiet" onClick={() => setAsking(false)}>
          Keep mine
        </button>
      </div>
    )
  }
  if (quantity > 0) return <Stepper product={product} quantity={quantity} />
  const foreign = now.lines.length > 0 && now.currency !== currency
  return (
    <button className="button small" onClick={() => (foreign ? setAsking(true) : setQuantity(product.id, currency, 1))}>
      <span>
        Add<span className="visually-hidden"> {product.name}</span> to cart
      </span>
    </button>
  )
}

export function Stepper({ product, quantity }: { product: Product; quantity: number }) {
  const set = (to: number) => setQuantity(product.id, product.price.currency, to)
  return (
    <div className="stepper" role="group" aria-label={`How many: ${product.name}`}>
      <button aria-label={quantity === 1 ? "Take out of the cart" : "One less"} onClick={() => set(quantity - 1)}>
        −
      </button>
      <output aria-label="In the cart">{quantity}</output>
      <button aria-label="One more" disabled={quantity >= 99} onClick={() => set(quantity + 1)}>
        +
      </button>
    </div>
  )
}
