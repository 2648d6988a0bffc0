import { useMutation } from "@apollo/client/react"
import { type FormEvent, useState } from "react"
import { graphql } from "../gql/index.ts"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { NOT_ALLOWED } from "../order/words.ts"
import { fieldMinute } from "../parts/dates.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { FormEnd } from "../parts/form-end.tsx"
import { textIn } from "../parts/forms.ts"

const REPLAY = graphql(/* GraphQL */ `
  mutation DeskReplay($id: ID!, $since: DateTime!) {
    replayEvents(endpointId: $id, since: $since) {
      __typename
      ... on WebhookEndpoint { id ...DeskEndpoint }
      ... on UserError { message code retryable }
    }
  }
`)

/** Sends again what happened since a moment; `since` is offered first. */
export function Replay({ id, since, close }: { id: string; since: Date; close: () => void }) {
  const [replay, { loading }] = useMutation(REPLAY, { context: { once: true }, refetchQueries: ["DeskEndpointPage"] })
  const [problem, setProblem] = useState<string | null>(null)

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (loading) return
    const moment = new Date(textIn(new FormData(event.currentTarget), "since"))
    if (Number.isNaN(moment.getTime())) return setProblem("Choose since when.")
    try {
      const { data } = await replay({ variables: { id, since: moment.toISOString() } })
      const result = data?.replayEvents
      if (result?.__typename === "WebhookEndpoint") close()
      else setProblem(result?.message ?? "The server gave no answer. The events may be on their way.")
    } catch (error) {
      setProblem(
        isForbidden(error)
          ? NOT_ALLOWED("send events again", "WEBHOOKS_WRITE")
          : `${messageOf(error)} The events may be on their way: look at the deliveries first.`,
      )
    }
  }

  return (
    <Dialog title="Send events again" close={close}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <p>Everything that happened since then is sent once more, the oldest first, each event with the id that it had.</p>
        <Field label="Since">{(field) => <input id={field} name="since" type="datetime-local" defaultValue={fieldMinute(since)} />}</Field>
        <FormEnd problem={problem} isBusy={loading} does="Send them again" doing="Sending…" close={close} />
      </form>
    </Dialog>
  )
}
