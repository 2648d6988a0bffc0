import type { DeskEndpointFragment } from "../gql/graphql.ts"
import { Moment } from "../parts/moment.tsx"
import { Pill } from "../parts/standing.tsx"

export function EndpointState({ of: { enabled, failingSince } }: { of: DeskEndpointFragment }) {
  if (!enabled) return <Pill label="disabled" tone="quiet" />
  if (!failingSince) return <Pill label="enabled" tone="good" />
  return (
    <>
      <Pill label="failing" tone="bad" />{" "}
      <span className="muted">
        since <Moment at={failingSince} />
      </span>
    </>
  )
}
