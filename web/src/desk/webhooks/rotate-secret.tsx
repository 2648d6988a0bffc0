import { useMutation } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import { Deliberate } from "../../shared/deliberate.tsx"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { NOT_ALLOWED } from "../order/words.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Notice } from "../parts/notice.tsx"
import { Secret } from "../parts/secret.tsx"

const ROTATE = graphql(/* GraphQL */ `
  mutation DeskRotateSecret($id: ID!) {
    rotateWebhookSecret(endpointId: $id) {
      __typename
      ... on NewWebhookEndpoint { secret endpoint { id ...DeskEndpoint } }
      ... on UserError { message code retryable }
    }
  }
`)

export function RotateSecret({ id, close }: { id: string; close: () => void }) {
  const [rotate, { loading }] = useMutation(ROTATE, { context: { once: true } }) // each call makes another secret
  const [secret, setSecret] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)

  async function send() {
    if (loading) return
    try {
      const { data } = await rotate({ variables: { id } })
      const result = data?.rotateWebhookSecret
      if (result?.__typename === "NewWebhookEndpoint") setSecret(result.secret)
      else setProblem(result?.message ?? "The server gave no answer. Ask again: the secret that the shop has stays valid.")
    } catch (error) {
      setProblem(
        isForbidden(error)
          ? NOT_ALLOWED("change webhook endpoints", "WEBHOOKS_WRITE")
          : `${messageOf(error)} Ask again: the secret that the shop has signs for 24 hours in any case.`,
      )
    }
  }

  if (secret) return <Secret title="The endpoint’s new secret" secret={secret} close={close} />
  return (
    <Dialog title="Make a new secret?" close={close}>
      <p>For 24 hours events are signed by both secrets, then by the new one alone.</p>
      {problem && <Notice tone="bad" title={problem} />}
      <div className="actions">
        <Deliberate className="button strong" press={() => void send()} isBusy={loading}>
          {loading ? "Making it…" : "Make a new secret"}
        </Deliberate>
        <button className="button" onClick={close}>
          Keep the old one
        </button>
      </div>
    </Dialog>
  )
}
