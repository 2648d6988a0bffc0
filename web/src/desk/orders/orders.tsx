import { Answer, Empty } from "../parts/answer.tsx"
import { Link } from "../parts/link.tsx"
import { Page } from "../parts/page.tsx"
import { Pager } from "../parts/pager.tsx"
import { go } from "../route.ts"
import { Export } from "./export.tsx"
import { type Filter, VIEW_NAMES, type View, orderFilterOf, textsOf } from "./filter.ts"
import { useOrders } from "./list.ts"
import { OrderRow } from "./row.tsx"

export function Orders({ filter, after }: { filter: Filter; after: string | null }) {
  const wanted = orderFilterOf(filter)
  const { orders, error, refetch } = useOrders(wanted, after)
  return (
    <Page title="Orders" actions={<Export filter={wanted} name={filter.view} />}>
      <Views filter={filter} />
      <Filters filter={filter} />
      <Answer what="orders" scope="ORDERS_READ" data={orders} error={error} again={refetch}>
        {({ nodes, pageInfo }) =>
          nodes.length === 0 ? (
            <Empty>{isNarrow(filter) ? "No order fits." : "There are no orders yet."}</Empty>
          ) : (
            <>
              <table className="orders">
                <caption className="visually-hidden">{VIEW_NAMES[filter.view]} orders, newest first</caption>
                <thead>
                  <tr>
                    <th scope="col" className="date">Placed</th>
                    <th scope="col">Reference</th>
                    <th scope="col" className="less">Customer</th>
                    <th scope="col" className="less">Lines</th>
                    <th scope="col" className="least">Payment</th>
                    <th scope="col">Standing</th>
                    <th scope="col" className="amount">Total</th>
                  </tr>
                </thead>
                <tbody>
                  {nodes.map((order) => (
                    <OrderRow key={order.id} order={order} />
                  ))}
                </tbody>
              </table>
              <Pager
                newest={after ? { page: "orders", filter } : null}
                older={pageInfo.hasNextPage ? { page: "orders", filter, after: pageInfo.endCursor } : null}
              />
            </>
          )
        }
      </Answer>
    </Page>
  )
}

const isNarrow = ({ view, ...others }: Filter): boolean => view !== "all" || Object.values(others).some(Boolean)

function Views({ filter }: { filter: Filter }) {
  return (
    <nav className="views" aria-label="Views">
      {(Object.keys(VIEW_NAMES) as View[]).map((view) => (
        <Link key={view} to={{ page: "orders", filter: { ...filter, view } }} current={view === filter.view}>
          {VIEW_NAMES[view]}
        </Link>
      ))}
    </nav>
  )
}

function Filters({ filter }: { filter: Filter }) {
  const texts = textsOf(filter)
  const set = (change: Partial<Filter>) => go({ page: "orders", filter: { ...filter, ...change } })
  return (
    <div className="filters">
      <Day label="From" day={filter.from} set={(from) => set({ from })} />
      <Day label="To" day={filter.to} set={(to) => set({ to })} />
      {texts.map(({ name, label, text }) => (
        <span key={name} className="chip">
          {label}: <strong>{text}</strong>
          <button className="icon" aria-label={`Remove ${label}`} onClick={() => set({ [name]: "" })}>
            ×
          </button>
        </span>
      ))}
      {isNarrow(filter) && (
        <Link to={{ page: "orders", filter: { view: "all" } }} className="plain">
          Clear
        </Link>
      )}
    </div>
  )
}

/** A year that is being typed goes through 0002 and 0020 on its way: such days count only once the field is left. */
function Day({ label, day = "", set }: { label: string; day: string | undefined; set: (day: string) => void }) {
  const take = (value: string) => value !== day && set(value)
  return (
    <label>
      {label}{" "}
      <input
        key={day}
        type="date"
        defaultValue={day}
        onChange={({ target: { value } }) => value >= "2000" && take(value)}
        onBlur={({ target: { value } }) => take(value)}
      />
    </label>
  )
}
