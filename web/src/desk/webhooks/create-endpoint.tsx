import { useMutation } from "@apollo/client/react"
import { type FormEvent, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { EventType } from "../gql/graphql.ts"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { NOT_ALLOWED } from "../order/words.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { FormEnd } from "../parts/form-end.tsx"
import { textIn } from "../parts/forms.ts"
import { Secret } from "../parts/secret.tsx"
import { EVENT_TYPES } from "./words.ts"

const CREATE = graphql(/* GraphQL */ `
  mutation DeskCreateEndpoint($input: CreateWebhookEndpointInput!) {
    createWebhookEndpoint(input: $input) {
      __typename
      ... on NewWebhookEndpoint { secret endpoint { id ...DeskEndpoint } }
      ... on UserError { message code retryable }
    }
  }
`)

export function CreateEndpoint({ close }: { close: () => void }) {
  const [create, { loading }] = useMutation(CREATE, { refetchQueries: ["DeskEndpoints"] })
  const [problem, setProblem] = useState<string | null>(null)
  const [secret, setSecret] = useState<string | null>(null)

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (loading) return
    const form = new FormData(event.currentTarget)
    const url = textIn(form, "url")
    const chosen = form.getAll("type") as EventType[]
    if (!url) return setProblem("Write the address that is sent events.")
    if (!chosen.length) return setProblem("Choose at least one kind of event.")
    try {
      // All of them includes those that a later version adds.
      const types = chosen.length === EVENT_TYPES.length ? null : chosen
      const { data } = await create({ variables: { input: { url, types } } })
      const result = data?.createWebhookEndpoint
      if (result?.__typename === "NewWebhookEndpoint") setSecret(result.secret)
      else setProblem(result?.message ?? "The server gave no answer.")
    } catch (error) {
      setProblem(
        isForbidden(error)
          ? NOT_ALLOWED("change webhook endpoints", "WEBHOOKS_WRITE")
          : `${messageOf(error)} Look at the list: if the endpoint is there, give it a new secret, since nobody has the first one.`,
      )
    }
  }

  if (secret) return <Secret title="The endpoint’s secret" secret={secret} close={close} />
  return (
    <Dialog title="New webhook endpoint" close={close}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Field label="Address" hint="It begins with https:// and can be reached from the internet.">
          {(id, hint) => <input id={id} name="url" type="url" placeholder="https://shop.example/hooks/paygraph" autoComplete="off" aria-describedby={hint} />}
        </Field>
        <fieldset>
          <legend>Events</legend>
          {EVENT_TYPES.map(([type, label]) => (
            <label key={type} className="check">
              <input type="checkbox" name="type" value={type} defaultChecked /> {label}
            </label>
          ))}
        </fieldset>
        <FormEnd problem={problem} isBusy={loading} does="Create the endpoint" doing="Creating…" close={close} />
      </form>
    </Dialog>
  )
}
