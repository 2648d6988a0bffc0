import { useMutation } from "@apollo/client/react"
import { type FormEvent, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskProductFragment } from "../gql/graphql.ts"
import { isForbidden, messageOf } from "../../shared/failure.ts"
import { formatMoney, isSameAmount, minorUnitsOf } from "../../shared/money.ts"
import { Dialog } from "../parts/dialog.tsx"
import { Field } from "../parts/fields.tsx"
import { FormEnd } from "../parts/form-end.tsx"
import { Notice } from "../parts/notice.tsx"
import { textIn } from "../parts/forms.ts"
import { NOT_ALLOWED } from "../order/words.ts"

const SAVE = graphql(/* GraphQL */ `
  mutation DeskSaveProduct($input: [ProductInput!]!) {
    saveProducts(input: $input) {
      __typename
      ... on SavedProducts { products { id ...DeskProduct } }
      ... on UserError { message code retryable }
    }
  }
`)

interface Props {
  /** `null` for a new one. */
  product: DeskProductFragment | null
  /** Those that are on the page: the server has shown how amounts of their currencies are written. */
  known: readonly DeskProductFragment[]
  close: () => void
}

export function EditProduct({ product, known, close }: Props) {
  const [save, { loading }] = useMutation(SAVE, { refetchQueries: ["DeskProducts"] })
  const [currency, setCurrency] = useState(product?.price.currency ?? known[0]?.price.currency ?? "USD")
  const [problem, setProblem] = useState<string | null>(null)
  const like = known.find(({ price }) => price.currency === currency)?.price

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (loading) return
    const form = new FormData(event.currentTarget)
    const text = (name: string) => textIn(form, name)
    const typed = text("price")
    const unitAmount = like ? minorUnitsOf(typed, like) : /^\d{1,15}$/.test(typed) ? Number(typed) : null
    if (unitAmount === null) return setProblem(like ? `Write a price such as ${like.amount}.` : "Write the price as a whole number of minor units.")
    const input = { reference: text("reference"), name: text("name"), description: text("description"), currency, unitAmount, active: form.has("active") }
    try {
      const { data } = await save({ variables: { input: [input] } })
      const result = data?.saveProducts
      if (result?.__typename === "SavedProducts") close()
      else setProblem(result?.message ?? "The server gave no answer. Saving again is safe.")
    } catch (error) {
      setProblem(isForbidden(error) ? NOT_ALLOWED("change the catalogue", "PRODUCTS_WRITE") : `${messageOf(error)} Saving again is safe.`)
    }
  }

  return (
    <Dialog title={product ? `Change ${product.name}` : "New product"} close={close}>
      <form onSubmit={(event) => void send(event)} noValidate>
        <Field label="Reference" hint={product ? "It names the product, and stays." : "The shop’s own id of it, such as a SKU. One that is known already changes that product."}>
          {(id, hint) => <input id={id} name="reference" defaultValue={product?.reference ?? ""} readOnly={!!product} autoComplete="off" aria-describedby={hint} />}
        </Field>
        <Field label="Name">{(id) => <input id={id} name="name" defaultValue={product?.name} maxLength={250} autoComplete="off" />}</Field>
        <Field label="Description">{(id) => <textarea id={id} name="description" defaultValue={product?.description} rows={2} maxLength={5000} />}</Field>
        <div className="side">
          <Field label="Price" hint={like ? undefined : "In minor units, such as cents: nothing in this currency is for sale yet that shows how it is written."}>
            {(id, hint) => <input id={id} name="price" inputMode="decimal" defaultValue={product?.price.amount} autoComplete="off" aria-describedby={hint} />}
          </Field>
          <Field label="Currency">
            {(id) => <input id={id} value={currency} onChange={({ target: { value } }) => setCurrency(value.toUpperCase())} maxLength={3} autoComplete="off" spellCheck={false} />}
          </Field>
        </div>
        <label className="check">
          <input type="checkbox" name="active" defaultChecked /> For sale
        </label>
        <p className="hint">What is not for sale leaves this list. To sell it again, save it once more with the same reference.</p>
        {product && <ChangedMeanwhile opened={product} now={known.find(({ id }) => id === product.id)} />}
        <FormEnd problem={problem} isBusy={loading} does="Save" doing="Saving…" close={close} />
      </form>
    </Dialog>
  )
}

/** Somebody else may have saved it while the form is open: saving writes all of its fields. */
function ChangedMeanwhile({ opened, now }: { opened: DeskProductFragment; now: DeskProductFragment | undefined }) {
  if (!now) return <Notice tone="wait" title="It was taken off sale since you opened this. Saving puts it on sale again, unless you choose otherwise." />
  const isSame = isSameAmount(now.price, opened.price) && now.name === opened.name && now.description === opened.description
  if (isSame) return null
  return (
    <Notice tone="wait" title={`Somebody has changed it since you opened this: “${now.name}”, ${formatMoney(now.price)}.`}>
      <p>Saving writes what stands here instead.</p>
    </Notice>
  )
}
