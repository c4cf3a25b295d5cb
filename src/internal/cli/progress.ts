/** A bar on standard error for work that takes long; nothing where nobody watches. */
import * as Effect from "effect/Effect"

const width = 30

/** Shows how much of `total` is done, each time it is told. */
export interface Progress {
  /** Whether anybody sees it. */
  readonly shows: boolean
  readonly advance: (by: number) => Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

/** Begins a bar; a silent one for `--json` and where standard error is no terminal. */
export const begin = (label: string, total: number, json: boolean): Progress => {
  const shows = !json && process.stderr.isTTY === true && total > 0
  let done = 0
  const draw = () => {
    const part = Math.min(done / total, 1)
    const filled = Math.round(part * width)
    const bar = "#".repeat(filled) + "-".repeat(width - filled)
    process.stderr.write(`\r${label} [${bar}] ${done} of ${Math.max(total, done)}`)
  }
  return {
    shows,
    advance: (by) =>
      Effect.sync(() => {
        done += by
        if (shows) draw()
      }),
    end: Effect.sync(() => {
      if (shows) process.stderr.write("\n")
    })
  }
}
