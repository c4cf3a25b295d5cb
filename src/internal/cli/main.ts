/** Runs the command line of this process. */
import { createRequire } from "node:module"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { run } from "./commands.js"

const { version } = createRequire(import.meta.url)("../../../package.json") as {
  // Every package has a version.
  readonly version: string
}

/** Runs the command of `process.argv` and sets the exit code. */
export const main = (): void =>
  NodeRuntime.runMain(
    Effect.tap(Effect.provide(run(process.argv, version), NodeContext.layer), (code) =>
      Effect.sync(() => {
        process.exitCode = code
      })
    )
  )
