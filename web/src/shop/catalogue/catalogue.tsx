import { useQuery } from "@apollo/client/react"
import { graphql } from "../../gql/index.ts"
import lamp from "../../pictures/lamp.svg"
import mug from "../../pictures/mug.svg"
import notebook from "../../pictures/notebook.svg"
import { messageOf } from "../../shared/failure.ts"
import { Heading } from "../parts/heading.tsx"
import { More } from "../parts/more.tsx"
import { Notice } from "../parts/notice.tsx"
import { ProductCard } from "./product-card.tsx"

const PRODUCTS = graphql(/* GraphQL */ `
  query Products($after: String) {
    products(first: 50, after: $after) {
      nodes { id ...ProductCard }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

export function Catalogue() {
  const { data, error, loading, fetchMore, refetch } = useQuery(PRODUCTS)
  const products = data?.products.nodes ?? []
  const { hasNextPage = false, endCursor } = data?.products.pageInfo ?? {}
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
          <img src={lamp} alt="" width="400" height="344" />
          <img src={mug} alt="" width="400" height="344" />
          <img src={notebook} alt="" width="400" height="344" />
        </div>
      </section>
      <section aria-labelledby="things">
        <h2 id="things">In the kiosk today</h2>
        {error && products.length === 0 && (
          <Notice tone="bad" title="The catalogue could not be read.">
            <p>{messageOf(error)}</p>
            <button className="button" onClick={() => void refetch().catch(() => null)}>
              Try again
            </button>
          </Notice>
        )}
        {loading && products.length === 0 ? (
          <Placeholders />
        ) : (
          <ul className="grid">
            {products.map((product) => (
              <li key={product.id}>
                <ProductCard product={product} />
              </li>
            ))}
          </ul>
        )}
        {hasNextPage && (
          <More load={() => fetchMore({ variables: { after: endCursor } })}>Show more</More>
        )}
      </section>
    </>
  )
}

/** As large as what comes, so that nothing moves when it does. */
function Placeholders() {
  return (
    <>
      <p className="visually-hidden" role="status">
        Fetching what’s for sale…
      </p>
      <ul className="grid" aria-hidden="true">
        {Array.from({ length: 10 }, (_, n) => (
          <li key={n}>
            <div className="card placeholder" />
          </li>
        ))}
      </ul>
    </>
  )
}
