import { useQuery } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskKeyFragment } from "../gql/graphql.ts"
import { Answer, Empty } from "../parts/answer.tsx"
import { isOver } from "../parts/dates.ts"
import { Moment } from "../parts/moment.tsx"
import { Page } from "../parts/page.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"
import { Pill } from "../parts/standing.tsx"
import { CreateKey } from "./create-key.tsx"
import { RevokeKey } from "./revoke-key.tsx"

export const DESK_KEY = graphql(/* GraphQL */ `
  fragment DeskKey on ServiceKey {
    id
    name
    scopes
    createdAt
    lastUsedAt
    expiresAt
    revokedAt
  }
`)

const KEYS = graphql(/* GraphQL */ `
  query DeskKeys {
    serviceKeys { id ...DeskKey }
  }
`)

type State = "valid" | "revoked" | "ended"

function stateOf({ revokedAt, expiresAt }: DeskKeyFragment): State {
  if (revokedAt) return "revoked"
  return expiresAt && isOver(expiresAt) ? "ended" : "valid"
}

export function Keys() {
  const query = useQuery(KEYS, POLL)
  useRestWhenForbidden(query)
  const { data, error, refetch } = query
  const [asks, setAsks] = useState<"new" | DeskKeyFragment | null>(null)
  const close = () => setAsks(null)
  return (
    <Page
      title="Service keys"
      actions={
        <button className="button" onClick={() => setAsks("new")}>
          New key…
        </button>
      }
    >
      <p className="lead">For the shop’s own systems: one key for each, with no more scopes than it needs.</p>
      <Answer what="service keys" scope="KEYS_WRITE" data={data?.serviceKeys} error={error} again={refetch}>
        {(keys) =>
          keys.length === 0 ? (
            <Empty>There are no keys yet.</Empty>
          ) : (
            <table>
              <caption className="visually-hidden">Service keys, the newest first</caption>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">State</th>
                  <th scope="col" className="less">Scopes</th>
                  <th scope="col" className="date less">Created</th>
                  <th scope="col" className="date least">Last used</th>
                  <th scope="col" className="date least">Ends</th>
                  <td />
                </tr>
              </thead>
              <tbody>
                {keys.map((key) => (
                  <Row key={key.id} of={key} revoke={() => setAsks(key)} />
                ))}
              </tbody>
            </table>
          )
        }
      </Answer>
      {asks === "new" && <CreateKey close={close} />}
      {asks && asks !== "new" && <RevokeKey of={asks} close={close} />}
    </Page>
  )
}

function Row({ of: key, revoke }: { of: DeskKeyFragment; revoke: () => void }) {
  const state = stateOf(key)
  return (
    <tr className={state === "valid" ? undefined : "over"}>
      <th scope="row" className="text">{key.name}</th>
      <td>
        <Pill label={state} tone={state === "valid" ? "good" : "quiet"} />
      </td>
      <td className="wraps less">
        <code>{key.scopes.join(" ")}</code>
      </td>
      <td className="date less">
        <Moment at={key.createdAt} />
      </td>
      <td className="date least">{key.lastUsedAt ? <Moment at={key.lastUsedAt} /> : <span className="muted">never</span>}</td>
      <td className="date least">{key.expiresAt ? <Moment at={key.expiresAt} /> : <span className="muted">never</span>}</td>
      <td className="act">
        {state !== "revoked" && (
          <button className="plain" data-row aria-label={`Revoke ${key.name}`} onClick={revoke}>
            Revoke
          </button>
        )}
      </td>
    </tr>
  )
}
