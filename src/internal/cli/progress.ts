/** A progress bar on standard error for long work. It is not drawn for `--json` or where standard error is no terminal. */
import * as Effect from "effect/Effect"

const width = 30

/** Begins a bar for work of about `total` steps. */
export const begin = (label: string, total: number, json: boolean) => {
  const isVisible = !json && process.stderr.isTTY === true && total > 0
  const print = (text: string) =>
    Effect.sync(() => {
      if (isVisible) process.stderr.write(text)
    })
  return {
    isVisible,
    /** Shows how much is done. */
    show: (done: number) => {
      const filled = Math.round(Math.min(done / total, 1) * width)
      const bar = "#".repeat(filled).padEnd(width, "-")
      return print(`\r${label} [${bar}] ${done} of ${Math.max(total, done)}`)
    },
    end: print("\n")
  }
}
