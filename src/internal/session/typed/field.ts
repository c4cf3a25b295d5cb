/** One path of a typed session at run time: where its value is stored, and how it is decoded and encoded. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { Fault } from "../../../core/session/fault.js"
import type { Json } from "../../../core/session/json.js"
import { own } from "../../../core/session/objects.js"
import * as Path from "../../../core/session/path.js"
import { SessionKeyError, SessionTypeError } from "../../errors/errors.js"
import type { Fields } from "./paths.js"

/** A path of a typed session. */
export interface Field {
  /** As the developer writes it, for errors. */
  readonly name: string
  /** Where the value is stored: a field renamed by `Schema.fromKey` is stored under its other name. */
  readonly path: Path.Path
  /** Gives none where the value does not fit the schema. */
  readonly decode: (value: Json, excess?: Excess) => Option.Option<unknown>
  /** Gives the value to store, `undefined` where the schema leaves it out (`Option.none()`), or why there is none. */
  readonly encode: (value: unknown, excess?: Excess) => unknown | Fault
}

/** What becomes of properties that the schema does not know. */
interface Excess {
  readonly onExcessProperty: "preserve"
  /** What is stored where the value is read, or will be. */
  readonly stored: Json | undefined
}

/** Keeps them, so that a change does not drop what an older or a newer deploy has stored. */
export const keepExcess = (stored: Json | undefined): Excess => ({
  onExcessProperty: "preserve",
  stored
})

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
  const codec = wrapped as unknown as Schema.Schema.AnyNoContext
  const stored = storedName("value", field)
  const decode = Schema.decodeUnknownEither(codec)
  const encode = Schema.encodeUnknownEither(codec)
  return {
    name,
    path: Path.literal(...segments),
    decode: (value, excess) => {
      const result = decode({ [stored]: value }, excess)
      if (Either.isRight(result)) return Option.some<unknown>(result.right.value)
      refuseAsync(name, result.left)
      return Option.none()
    },
    encode: (value, excess) => {
      const result = encode({ value }, excess)
      if (Either.isRight(result)) return result.right[stored]
      refuseAsync(name, result.left)
      return new Fault("encode", "it does not fit its schema")
    }
  }
}

/** With a schema that decodes asynchronously every stored value would look invalid. */
const refuseAsync = (key: string, error: ParseResult.ParseError): void => {
  const issues = ParseResult.ArrayFormatter.formatErrorSync(error)
  if (!issues.some((issue) => issue._tag === "Forbidden")) return
  const reason = "its schema works asynchronously"
  throw new SessionTypeError({ operation: "schema", key, reason })
}

const locate = (fields: Schema.Struct.Fields, operation: string, name: string) => {
  const segments: Array<string> = []
  let inside: Schema.Struct.Fields | undefined = fields
  let field: Schema.Struct.Field | undefined
  for (const segment of String(name).split(".")) {
    field = inside && own(inside, segment)
    if (field === undefined) {
      const reason = "Session.schema was given no such field"
      throw new SessionKeyError({ operation, key: Path.display(name), reason })
    }
    segments.push(storedName(segment, field))
    // A struct shows its fields.
    inside = (field as { readonly fields?: Schema.Struct.Fields }).fields
  }
  // A text has at least one segment, so a field was found.
  return { field: field as Schema.Struct.Field, segments }
}

/** The name a field of a struct is stored under. */
const storedName = (name: string, field: Schema.Struct.Field): string => {
  const { ast } = field
  return ast._tag === "PropertySignatureTransformation" ? String(ast.from.fromKey ?? name) : name
}
