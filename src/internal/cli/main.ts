/** Runs the command line of this process. */
import { createRequire } from "node:module"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { run } from "./app.js"

const { version } = createRequire(import.meta.url)("../../../package.json") as {
  // Every package has a version.
  readonly version: string
}

/** The exit codes of a command that a signal stopped. */
const codes = { SIGINT: 130, SIGTERM: 143 } as const

/** Runs the command of `process.argv` and sets the exit code. A second Ctrl-C ends the process at once. */
export const main = (): void => {
  let stoppedWith = 1
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stoppedWith = codes[signal]
    })
  }
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    // The reader of a pipe may leave early, as `head` does.
    if (code === "EPIPE") process.exit(0)
    process.stderr.write(`The result cannot be written (${code}).\n`)
    process.exit(1)
  })
  const command = Effect.map(run(process.argv, version, process.env), (code) => {
    process.exitCode = code
  })
  NodeRuntime.runMain(Effect.provide(command, NodeContext.layer), {
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, onExit) => {
      if (Exit.isFailure(exit)) onExit(stoppedWith)
    }
  })
}
