import { type GraphQLInputType, type GraphQLSchema, isEnumType, isInputObjectType, isListType, isNonNullType, isRequiredInputField } from "graphql"
import { type Example, nameOf } from "./examples.ts"

/** An example for each mutation that has none: the schema may be newer than the list. */
export function madeExamples(schema: GraphQLSchema, there: Example[]): Example[] {
  const known = new Set(there.map((example) => nameOf(example).toLowerCase()))
  const fields = Object.values(schema.getMutationType()?.getFields() ?? {})
  return fields.filter(({ name }) => !known.has(name.toLowerCase())).map(({ name, args, description }) => {
    const title = name.charAt(0).toUpperCase() + name.slice(1)
    const heads = args.map((arg) => `$${arg.name}: ${String(arg.type)}`)
    const passed = args.map((arg) => `${arg.name}: $${arg.name}`)
    const variables = Object.fromEntries(args.filter((arg) => arg.defaultValue === undefined).map((arg) => [arg.name, sampleOf(arg.type)]))
    return {
      role: "merchant",
      what: description?.split(/(?<=\.)\s/)[0] ?? "",
      query: `mutation ${title}${heads.length ? `(${heads.join(", ")})` : ""} {
  ${name}${passed.length ? `(${passed.join(", ")})` : ""} {
    __typename
    ... on UserError {
      message
      code
      retryable
    }
  }
}`,
      variables: JSON.stringify(variables, null, 2),
    }
  })
}

const SAMPLES: Record<string, unknown> = { Int: 1, MinorUnits: 1_999, Boolean: true, CurrencyCode: "USD", DateTime: new Date(Date.now() + 86_400_000).toISOString() }

/** Something of this type, with what it must have. */
function sampleOf(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return sampleOf(type.ofType)
  if (isListType(type)) return [sampleOf(type.ofType)]
  if (isEnumType(type)) return type.getValues()[0]?.name
  if (!isInputObjectType(type)) return SAMPLES[type.name] ?? "…"
  const needed = Object.values(type.getFields()).filter(isRequiredInputField)
  return Object.fromEntries(needed.map((field) => [field.name, sampleOf(field.type)]))
}
