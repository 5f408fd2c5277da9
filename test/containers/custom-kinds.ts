import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import { parseAllDocuments } from 'yaml'

/** A schema of a CustomResourceDefinition, as far as it is looked at here. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: unknown
}

interface Definition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}

export const CRDS = join(import.meta.dirname, 'crds.yaml')

/** Checks of the kinds of other operators, by apiVersion and kind: `keda.sh/v1alpha1 ScaledObject`. */
export function customKinds(): ReadonlyMap<string, ValidateFunction> {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
  const checks = new Map<string, ValidateFunction>()
  for (const document of parseAllDocuments(readFileSync(CRDS, 'utf8'))) {
    const { spec } = document.toJS() as Definition
    for (const { name, schema } of spec.versions) {
      checks.set(`${spec.group}/${name} ${spec.names.kind}`, ajv.compile(closed(schema.openAPIV3Schema)))
    }
  }
  return checks
}

/** Adds that no other fields are allowed, as an API server has it without a word. */
function closed(schema: Schema): Schema {
  const { properties, items } = schema
  return {
    ...schema,
    ...(items === undefined ? {} : { items: closed(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, closed(each)])),
          additionalProperties: false,
        }),
  }
}
