import type { ReactNode } from "react"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { useStore } from "../../shared/store.ts"
import { heardAt } from "../client.ts"
import { clockTime } from "./dates.ts"
import { Notice } from "./notice.tsx"

interface Props<Data> {
  /** What is asked for, as it stands in "The … could not be read". */
  what: string
  /** The scope that a service key needs for it. */
  scope: string
  data: Data | null | undefined
  error: unknown
  again: () => Promise<unknown>
  children: (data: Data) => ReactNode
}

/** What a query answered; and what there is to say while it hasn't, or can't, or can't any more. */
export function Answer<Data>({ what, scope, data, error, again, children }: Props<Data>) {
  const heard = useStore(heardAt)
  if (isForbidden(error)) return <Forbidden what={what} scope={scope} />
  if (!data && !error) {
    return (
      <p className="loading" role="status">
        Reading the {what}…
      </p>
    )
  }
  return (
    <>
      {error !== undefined && (
        <Notice tone={data ? "wait" : "bad"} title={data ? `This may be old: the ${what} could not be read again.` : `The ${what} could not be read.`}>
          <p>
            {messageOf(error)} {data && heard && <>The server last answered at {clockTime(heard)}. </>}
            <button className="plain" onClick={() => void again().catch(() => null)}>
              Try again
            </button>
          </p>
        </Notice>
      )}
      {data && children(data)}
    </>
  )
}

export function Forbidden({ what, scope }: { what: string; scope: string }) {
  return (
    <div className="forbidden">
      <p>
        <strong>Not for this key.</strong> The {what} are for merchants and service keys with the scope <code>{scope}</code>.
      </p>
    </div>
  )
}

export const Empty = ({ children }: { children: ReactNode }) => <p className="empty">{children}</p>
