import { useMutation } from "@apollo/client/react"
import { useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskEndpointFragment } from "../gql/graphql.ts"
import { Deliberate } from "../../shared/deliberate.tsx"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { NOT_ALLOWED } from "../order/words.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Notice } from "../parts/notice.tsx"

const SWITCH = graphql(/* GraphQL */ `
  mutation DeskSwitchEndpoint($id: ID!, $enabled: Boolean!) {
    setWebhookEndpointEnabled(endpointId: $id, enabled: $enabled) {
      __typename
      ... on WebhookEndpoint { id ...DeskEndpoint }
      ... on UserError { message code retryable }
    }
  }
`)

/** Enables an endpoint that is disabled, and disables one that is enabled. */
export function SwitchEndpoint({ of: { id, enabled }, close }: { of: DeskEndpointFragment; close: () => void }) {
  const [change, { loading }] = useMutation(SWITCH, { refetchQueries: ["DeskEndpointPage"] })
  const [problem, setProblem] = useState<string | null>(null)

  async function send() {
    if (loading) return
    try {
      const { data } = await change({ variables: { id, enabled: !enabled } })
      const result = data?.setWebhookEndpointEnabled
      if (result?.__typename === "WebhookEndpoint") close()
      else setProblem(result?.message ?? "The server gave no answer. Doing it again is safe.")
    } catch (error) {
      setProblem(isForbidden(error) ? NOT_ALLOWED("change webhook endpoints", "WEBHOOKS_WRITE") : `${messageOf(error)} Doing it again is safe.`)
    }
  }

  return (
    <Dialog title={enabled ? "Disable the endpoint?" : "Enable the endpoint?"} close={close}>
      <p>
        {enabled
          ? "It is sent nothing more, and what is due to it is given up."
          : "It is sent what happens from now on. Send what it missed with “Send again…” afterwards."}
      </p>
      {problem && <Notice tone="bad" title={problem} />}
      <div className="actions">
        <Deliberate className={enabled ? "button danger" : "button strong"} press={() => void send()} isBusy={loading}>
          {enabled ? "Disable it" : "Enable it"}
        </Deliberate>
        <button className="button" onClick={close}>
          Leave it
        </button>
      </div>
    </Dialog>
  )
}
