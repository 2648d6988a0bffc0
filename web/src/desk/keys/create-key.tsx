import { useMutation } from "@apollo/client/react"
import { type FormEvent, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { Scope } from "../gql/graphql.ts"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { FormEnd } from "../parts/form-end.tsx"
import { textIn } from "../parts/forms.ts"
import { Secret } from "../parts/secret.tsx"
import { NOT_ALLOWED } from "../order/words.ts"

const CREATE = graphql(/* GraphQL */ `
  mutation DeskCreateKey($input: CreateServiceKeyInput!) {
    createServiceKey(input: $input) {
      __typename
      ... on NewServiceKey { secret key { id ...DeskKey } }
      ... on UserError { message code retryable }
    }
  }
`)

const SCOPES: Record<Scope, string> = {
  ORDERS_READ: "Read every order, with its payments",
  ORDERS_WRITE: "Import, change and cancel orders, create checkout tokens",
  REFUNDS_WRITE: "Give money back, and decide what needs a person",
  PRODUCTS_WRITE: "Change the catalogue",
  EVENTS_READ: "Read the shop’s events",
  WEBHOOKS_WRITE: "Change the endpoints that are sent events",
  KEYS_WRITE: "Create and revoke keys",
}

export function CreateKey({ close }: { close: () => void }) {
  const [create, { loading }] = useMutation(CREATE, { refetchQueries: ["DeskKeys"] })
  const [problem, setProblem] = useState<string | null>(null)
  const [secret, setSecret] = useState<string | null>(null)

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (loading) return
    const form = new FormData(event.currentTarget)
    const name = textIn(form, "name")
    const scopes = form.getAll("scope") as Scope[]
    const day = textIn(form, "ends")
    const ends = day ? new Date(`${day}T00:00`) : null
    if (!name) return setProblem("Say which system the key is for.")
    if (!scopes.length) return setProblem("Choose at least one scope.")
    if (ends && !(ends.getFullYear() < 3000)) return setProblem("Choose a day before the year 3000, or none.")
    try {
      const { data } = await create({ variables: { input: { name, scopes, expiresAt: ends?.toISOString() ?? null } } })
      const result = data?.createServiceKey
      if (result?.__typename === "NewServiceKey") setSecret(result.secret)
      else setProblem(result?.message ?? "The server gave no answer.")
    } catch (error) {
      setProblem(
        isForbidden(error)
          ? NOT_ALLOWED("create keys", "KEYS_WRITE")
          : `${messageOf(error)} Look at the list: if the key is there, revoke it, since nobody has its secret.`,
      )
    }
  }

  if (secret) return <Secret title="The new key" secret={secret} close={close} />
  return (
    <Dialog title="New service key" close={close}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Field label="Name">{(id) => <input id={id} name="name" maxLength={100} placeholder="warehouse" autoComplete="off" />}</Field>
        <fieldset>
          <legend>It may</legend>
          {Object.entries(SCOPES).map(([scope, what]) => (
            <label key={scope} className="check">
              <input type="checkbox" name="scope" value={scope} /> <span>{what}</span> <code className="muted">{scope}</code>
            </label>
          ))}
        </fieldset>
        <Field label="Ends on" hint="When that day begins here; empty for never.">
          {(id, hint) => <input id={id} type="date" name="ends" aria-describedby={hint} />}
        </Field>
        <FormEnd problem={problem} isBusy={loading} does="Create the key" doing="Creating…" close={close} />
      </form>
    </Dialog>
  )
}
