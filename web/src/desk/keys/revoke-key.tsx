import { useMutation } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskKeyFragment } from "../gql/graphql.ts"
import { Deliberate } from "../../shared/deliberate.tsx"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Notice } from "../parts/notice.tsx"
import { NOT_ALLOWED } from "../order/words.ts"

const REVOKE = graphql(/* GraphQL */ `
  mutation DeskRevokeKey($id: ID!) {
    revokeServiceKey(id: $id) {
      __typename
      ... on ServiceKey { id ...DeskKey }
      ... on UserError { message code retryable }
    }
  }
`)

export function RevokeKey({ of: { id, name }, close }: { of: DeskKeyFragment; close: () => void }) {
  const [revoke, { loading }] = useMutation(REVOKE)
  const [problem, setProblem] = useState<string | null>(null)

  async function send() {
    if (loading) return
    try {
      const { data } = await revoke({ variables: { id } })
      const result = data?.revokeServiceKey
      if (result?.__typename === "ServiceKey") close()
      else setProblem(result?.message ?? "The server gave no answer. Revoking again is safe.")
    } catch (error) {
      setProblem(isForbidden(error) ? NOT_ALLOWED("revoke keys", "KEYS_WRITE") : `${messageOf(error)} Revoking again is safe.`)
    }
  }

  return (
    <Dialog title={`Revoke ${name}?`} close={close}>
      <p>Within seconds no server takes it. The system that uses it stops working, and there is no way back.</p>
      {problem && <Notice tone="bad" title={problem} />}
      <div className="actions">
        <Deliberate className="button danger" press={() => void send()} isBusy={loading}>
          {loading ? "Revoking…" : "Revoke the key"}
        </Deliberate>
        <button className="button" onClick={close}>
          Keep it
        </button>
      </div>
    </Dialog>
  )
}
