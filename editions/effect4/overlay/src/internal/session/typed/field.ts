/** One path of a typed session at run time: where its value is stored, and how it is decoded and encoded. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Fault, isFault } from "../../../core/session/fault.js"
import { isObject, type Json } from "../../../core/session/json.js"
import { own } from "../../../core/session/objects.js"
import * as Path from "../../../core/session/path.js"
import { SessionKeyError, SessionTypeError } from "../../errors/errors.js"
import type { Fields } from "./paths.js"

/** A path of a typed session. */
export interface Field {
  /** As the developer writes it, for errors. */
  readonly name: string
  readonly path: Path.Path
  /** Gives none where the value does not fit the schema. */
  readonly decode: (value: Json, excess?: Excess) => Option.Option<unknown>
  /** Gives the value to store, `undefined` where the schema leaves it out (`Option.none()`), or why there is none. */
  readonly encode: (value: unknown, excess?: Excess) => unknown | Fault
}

/** What becomes of properties that the schema does not know. */
interface Excess {
  /** What is stored where the value is read, or will be. */
  readonly stored: Json | undefined
}

/**
 * Keeps them, so that a change does not drop what an older or a newer deploy has stored. Those inside a list are dropped:
 * nobody could tell which item they belong to.
 */
export const keepExcess = (stored: Json | undefined): Excess => ({ stored })

/** Finds the fields of a schema by their paths, each made once. */
export const makeLookup = (fields: Fields): ((operation: string, name: string) => Field) => {
  for (const name of Object.keys(fields)) checkName(name)
  const known = new Map<string, Field>()
  return (operation, name) => {
    const made = known.get(name) ?? makeField(fields, operation, name)
    known.set(name, made)
    return made
  }
}

const checkName = (name: string): void => {
  if (!name.includes(".") && Path.isKey(name)) return
  const reason = "the name of a field is one segment of a path"
  throw new SessionKeyError({ operation: "schema", key: Path.display(name), reason })
}

const makeField = (fields: Schema.Struct.Fields, operation: string, name: string): Field => {
  const { field, segments } = locate(fields, operation, name)
  // Inside a struct, an optional field and a plain schema are read in the same way.
  const wrapped = Schema.Struct({ value: field })
  // `Fields` admits no schema with requirements.
  const codec = wrapped as unknown as Schema.Codec<{ readonly value: unknown }>
  const decodeWrapped = Schema.decodeUnknownResult(codec)
  const encodeWrapped = Schema.encodeUnknownResult(codec)
  const decode = (value: Json): Option.Option<unknown> => {
    const result = refusingAsync(name, () => decodeWrapped({ value }))
    return Result.isSuccess(result) ? Option.some(result.success.value) : Option.none()
  }
  const encode = (value: unknown): unknown | Fault => {
    const result = refusingAsync(name, () => encodeWrapped({ value }))
    return Result.isSuccess(result)
      ? result.success.value
      : new Fault("encode", "it does not fit its schema")
  }
  return {
    name,
    path: Path.literal(...segments),
    decode,
    encode: (value, excess) => {
      const encoded = encode(value)
      const stored = excess?.stored
      if (stored === undefined || isFault(encoded)) return encoded
      // What the schema knows of what is stored is what is left of it after reading and writing.
      const known = Option.match(decode(stored), { onNone: () => stored, onSome: encode })
      return withExcess(encoded, stored, known)
    }
  }
}

/** What is encoded, with the properties of `stored` that are not `known`. */
const withExcess = (encoded: unknown, stored: unknown, known: unknown): unknown => {
  if (!(isRecord(encoded) && isRecord(stored) && isRecord(known))) return encoded
  const all: Record<string, unknown> = { ...encoded }
  for (const [key, value] of Object.entries(stored)) {
    if (!Object.hasOwn(known, key)) all[key] ??= value
    else if (Object.hasOwn(all, key)) all[key] = withExcess(all[key], value, known[key])
  }
  return all
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  // `isObject` asks nothing else of JSON.
  isObject(value as Json)

/** With a schema that decodes asynchronously every stored value would look invalid. */
const refusingAsync = <A, E>(key: string, run: () => Result.Result<A, E>): Result.Result<A, E> => {
  try {
    return run()
  } catch {
    // What does not fit is a failure; a schema that has to wait throws.
    const reason = "its schema works asynchronously"
    throw new SessionTypeError({ operation: "schema", key, reason })
  }
}

const locate = (fields: Schema.Struct.Fields, operation: string, name: string) => {
  const segments = String(name).split(".")
  let inside: Schema.Struct.Fields | undefined = fields
  let field: Schema.Constraint | undefined
  for (const segment of segments) {
    field = inside && own(inside, segment)
    if (field === undefined) {
      const reason = "Session.schema was given no such field"
      throw new SessionKeyError({ operation, key: Path.display(name), reason })
    }
    inside = fieldsOf(field)
  }
  // A text has at least one segment, so a field was found.
  return { field: field as Schema.Constraint, segments }
}

/** The fields of a plain struct. One with renamed keys, or with a check of the whole, is a leaf. */
const fieldsOf = (schema: Schema.Constraint): Schema.Struct.Fields | undefined => {
  const { ast } = schema
  if (ast._tag !== "Objects" || ast.checks !== undefined || ast.encoding !== undefined) {
    return undefined
  }
  // A struct shows its fields.
  return (schema as { readonly fields?: Schema.Struct.Fields }).fields
}
