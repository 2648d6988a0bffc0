import { useMutation } from "@apollo/client/react"
import { type FormEvent, useState } from "react"
import { graphql } from "../gql/index.ts"
import { messageOf } from "../../shared/failure.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { FormEnd } from "../parts/form-end.tsx"
import { textIn } from "../parts/forms.ts"

const CLOSE_CASE = graphql(/* GraphQL */ `
  mutation DeskCloseCase($id: ID!, $note: String!) {
    closeAttention(id: $id, note: $note) {
      __typename
      ... on AttentionCase { id ...DeskCase }
      ... on UserError { message code retryable }
    }
  }
`)

export function CloseCase({ id, label, close }: { id: string; label: string; close: () => void }) {
  const [closeCase, { loading }] = useMutation(CLOSE_CASE, { refetchQueries: ["DeskCases"] })
  const [problem, setProblem] = useState<string | null>(null)

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const note = textIn(new FormData(event.currentTarget), "note")
    if (loading) return
    if (!note) return setProblem("Write what was done: others will ask.")
    try {
      const { data } = await closeCase({ variables: { id, note } })
      const result = data?.closeAttention
      if (result?.__typename === "AttentionCase") close()
      else setProblem(result?.message ?? "The server gave no answer. Closing again is safe.")
    } catch (error) {
      setProblem(`${messageOf(error)} Closing again is safe.`)
    }
  }

  return (
    <Dialog title={`Close: ${label}`} close={close}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <p>Close it once it is done, such as when the customer got the money in another way. A failed refund is not tried any more then.</p>
        <Field label="What was done">
          {(field) => <textarea id={field} name="note" rows={3} maxLength={500} />}
        </Field>
        <FormEnd problem={problem} isBusy={loading} does="Close the case" doing="Closing…" leave="Leave it open" close={close} />
      </form>
    </Dialog>
  )
}
