import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskProductFragment } from "../gql/graphql.ts"
import { Answer, Empty } from "../parts/answer.tsx"
import { Money } from "../parts/money.tsx"
import { Page } from "../parts/page.tsx"
import { Pager } from "../parts/pager.tsx"
import { POLL } from "../parts/polling.ts"
import { EditProduct } from "./edit-product.tsx"

export const DESK_PRODUCT = graphql(/* GraphQL */ `
  fragment DeskProduct on Product {
    id
    reference
    name
    description
    price { minorUnits amount currency }
  }
`)

const PRODUCTS = graphql(/* GraphQL */ `
  query DeskProducts($after: String) {
    products(first: 50, after: $after) {
      nodes { id ...DeskProduct }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

export function Products({ after }: { after: string | null }) {
  const { data, error, refetch } = useQuery(PRODUCTS, { variables: { after }, ...POLL })
  const [edited, setEdited] = useState<DeskProductFragment | "new" | null>(null)
  const nodes = data?.products.nodes ?? []
  return (
    <Page
      title="Products"
      actions={
        <button className="button" onClick={() => setEdited("new")}>
          New product…
        </button>
      }
    >
      <p className="lead">What is for sale here. Orders keep the names and prices that they were placed with.</p>
      <Answer what="products" scope="PRODUCTS_WRITE" data={data?.products} error={error} again={refetch}>
        {({ pageInfo }) =>
          nodes.length === 0 ? (
            <Empty>Nothing is for sale.</Empty>
          ) : (
            <>
              <table>
                <caption className="visually-hidden">Products that are for sale, the oldest first</caption>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Reference</th>
                    <th scope="col" className="less">Description</th>
                    <th scope="col" className="amount">Price</th>
                    <td />
                  </tr>
                </thead>
                <tbody>
                  {nodes.map((product) => (
                    <tr key={product.id}>
                      <th scope="row" className="text">{product.name}</th>
                      <td className="text">{product.reference ?? <span className="muted">none</span>}</td>
                      <td className="text less muted">{product.description}</td>
                      <td className="amount">
                        <Money of={product.price} />
                      </td>
                      <td className="act">
                        {product.reference !== null && (
                          <button className="plain" data-row aria-label={`Change ${product.name}`} onClick={() => setEdited(product)}>
                            Change
                          </button>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {nodes.some(({ reference }) => reference === null) && (
                <p className="muted">Products without a reference were put into the database directly, and are changed there.</p>
              )}
              <Pager
                newest={after ? { page: "products" } : null}
                older={pageInfo.hasNextPage ? { page: "products", after: pageInfo.endCursor } : null}
              />
            </>
          )
        }
      </Answer>
      {edited && <EditProduct product={edited === "new" ? null : edited} known={nodes} close={() => setEdited(null)} />}
    </Page>
  )
}
