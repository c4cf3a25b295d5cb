/** `key:generate`: a new key, as a line for `SESSION_KEYS`. */
import { randomBytes } from "node:crypto"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Format from "./format.js"
import { Run } from "./Run.js"

/** Prints a key. Its id is drawn too, so that it differs from those that are in use. */
export const keyGenerate = ({ json }: { readonly json: boolean }) =>
  Effect.gen(function* () {
    const { variables } = yield* Run
    const [id, key] = [`k${randomBytes(4).toString("hex")}`, randomBytes(32).toString("base64")]
    yield* Format.show(json, { id, key }, () => `SESSION_KEYS=${id}:${key}`)
    if (variables.SESSION_KEYS) {
      const rotation = "first as the last one on every server, then as the first one, which writes"
      yield* Console.error(`SESSION_KEYS has keys already. Add this one to them: ${rotation}.`)
    }
  })
