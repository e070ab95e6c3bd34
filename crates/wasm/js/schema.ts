// Values as the application declares them: by Standard Schema (https://standardschema.dev), version 1.

import { type ErrorDetails, HighwaterError, type Issue, wordsOf } from './errors.js'
import { described, isObject, refuse } from './options.js'

/** A schema of any library that follows the standard: Zod, Valibot, ArkType, … */
export interface StandardSchema<Output = unknown> {
  /** What [Standard Schema](https://standardschema.dev) has of it. */
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What a schema makes of a value. */
export type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] }

/** By kind, the schema of its values. */
export type Schemas = Readonly<Record<string, StandardSchema>>

/** By kind, what its schema makes of values. */
export type Outputs<S extends Schemas> = {
  readonly [K in keyof S & string]: S[K] extends StandardSchema<infer Output> ? Output : never
}

/** Judges a value: answers with what it is to be, or throws the error that says why it is none. */
export type Judge = (kind: string, key: string, value: unknown) => unknown

/** Checks the option `schema`. */
export function isSchemas(schemas: unknown): void {
  if (schemas === undefined) return
  isObject('option schema', schemas)
  for (const [kind, schema] of Object.entries(schemas)) {
    const standard = (schema as StandardSchema | null | undefined)?.['~standard']
    if (standard?.version !== 1 || typeof standard.validate !== 'function') {
      refuse(`option schema.${kind} must be a Standard Schema of version 1, not ${described(schema)}`)
    }
  }
}

/** Makes a judge of schemas. A kind without one is as it comes. */
export function judgeOf(schemas: Schemas): Judge {
  return (kind, key, value) => {
    if (!Object.hasOwn(schemas, kind)) return value
    const where = `${kind}/${key}`
    const fail = (words: string, more: ErrorDetails = {}): never => {
      throw new HighwaterError('schema', words, { kind, key, ...more })
    }
    let result: Validated<unknown> | PromiseLike<unknown> | undefined
    try {
      result = schemas[kind]?.['~standard'].validate(value)
    } catch (cause) {
      fail(`the schema of ${where} threw: ${wordsOf(cause)}`, { cause })
    }
    if (typeof result !== 'object' || result === null) return fail(`the schema of ${kind} answered with ${described(result)}`)
    if ('then' in result) {
      // Nobody waits for it.
      result.then(undefined, () => {})
      return fail(`the schema of ${kind} validates asynchronously, and a read is synchronous: give one that does too`)
    }
    const { issues } = result
    if (issues === undefined) return result.value
    const words = issues.map(({ message, path = [] }) => {
      const names = path.map((part) => String(typeof part === 'object' ? part.key : part))
      return names.length === 0 ? message : `${names.join('.')}: ${message}`
    })
    return fail(`${where} is not what its schema says: ${words.join('; ')}`, { issues })
  }
}
