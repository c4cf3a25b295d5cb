/** How a call of the store reaches the server: its script by the digest, within a deadline, with typed errors. */
import * as Effect from "effect/Effect"
import { withNow } from "../effect/fiber.js"
import { SessionStoreError } from "../errors/errors.js"
import { deadlineMillis } from "../store/deadline.js"
import { Deadlines, type Pending } from "./deadlines.js"
import { toStoreError } from "./failure.js"
import type { Script } from "./scripts.js"

/** What sends the commands of a store. */
export interface Sender {
  readonly send: (args: ReadonlyArray<string>, call: Pending) => Promise<unknown>
  /** Is told of each failure. True if the server did nothing, and the same may be sent again. */
  readonly mayRepeat: (failure: unknown) => boolean
  /** Is told when a call got no answer in its time, and no other call did meanwhile. */
  readonly suspect: () => void
}

/** Runs a script: `operation` names the call in errors, and the arguments follow the time and `keepEnded`. */
export type Run = (
  operation: string,
  script: Script,
  args: ReadonlyArray<string>
) => Effect.Effect<unknown, SessionStoreError>

/** The calls of a store. */
export interface Calls {
  /** For a call that a request waits for. */
  readonly run: Run
  /** For a call about many sessions, which no request waits for. */
  readonly runLong: Run
}

/** How long a page of a call about many sessions may take, in milliseconds. */
const longDeadlineMillis = 30_000

/** Makes the calls of the store whose keys begin with `base`. */
export const makeCalls = (sender: Sender, base: string, keepEndedMillis: number): Calls => {
  let answers = 0
  const runWithin =
    (deadlines: Deadlines): Run =>
    (operation, { digest, text }, args) =>
      withNow((now) =>
        Effect.async((resume) => {
          const given = ["1", base, String(now), String(keepEndedMillis), ...args]
          const before = answers
          const call = deadlines.begin(() => {
            if (answers === before) sender.suspect()
            resume(Effect.fail(new SessionStoreError({ operation, reason: "timeout" })))
          })
          const answered = (answer: unknown) => {
            answers++
            deadlines.end(call)
            resume(Effect.succeed(answer))
          }
          const failed = (failure: unknown) => {
            deadlines.end(call)
            resume(Effect.fail(toStoreError(operation, failure)))
          }
          const whole = () => sender.send(["EVAL", text, ...given], call).then(answered, failed)
          sender.send(["EVALSHA", digest, ...given], call).then(answered, (failure: unknown) => {
            // After a restart or a failover the server does not know the script; it keeps what it is sent.
            if (isUnknownScript(failure) || sender.mayRepeat(failure)) void whole()
            else failed(failure)
          })
        })
      )
  return {
    run: runWithin(new Deadlines(deadlineMillis)),
    runLong: runWithin(new Deadlines(longDeadlineMillis))
  }
}

const isUnknownScript = (failure: unknown): boolean =>
  failure instanceof Error && failure.message.startsWith("NOSCRIPT")
