#!/usr/bin/env node
/**
 * The command `effect-session`: an entry of its own, so that servers never load it.
 *
 * @since 0.1.0
 */
import { createRequire } from "node:module"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { run } from "./internal/cli/root.js"

const { version } = createRequire(import.meta.url)("../package.json") as {
  // Every package has one.
  readonly version: string
}

NodeRuntime.runMain(
  Effect.tap(Effect.provide(run(process.argv, version), NodeContext.layer), (code) =>
    Effect.sync(() => {
      process.exitCode = code
    })
  )
)
