/** Opens the store of some options: its connection, or the client of the app, then the store itself. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import type { Sender } from "./calls.js"
import { toStoreError } from "./failure.js"
import { Link } from "./link.js"
import type { Server } from "./model.js"
import { baseOf, type Options, type Send, serverOf } from "./options.js"
import { openStore } from "./store.js"

/** Opens the store of these options. */
export const open = (
  options: Options
): Effect.Effect<Service, SessionStoreError | SessionConfigError, Scope.Scope> =>
  Effect.gen(function* () {
    const { keepEnded = 0 } = options
    if ("send" in options) {
      const base = yield* baseOf(options.prefix)
      return yield* openStore(throughApp(options.send, base), base, keepEnded)
    }
    const { prefix, server } = yield* serverOf(options)
    const base = yield* baseOf(prefix)
    return yield* openStore(yield* linked(server, base), base, keepEnded)
  })

const throughApp = (send: Send, key: string): Sender => ({
  // An async function, so that what the app's throws is a failure like any other.
  send: async (args) => send([...args], key),
  mayRepeat: () => false,
  suspect: () => {}
})

const linked = (server: Server, base: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const link = new Link(server, base)
        await link.open()
        return link
      },
      catch: (cause) => toStoreError("open", cause)
    }),
    (link) => Effect.promise(() => link.close())
  )
