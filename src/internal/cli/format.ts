/** How results are printed: as aligned columns for people, as JSON for programs. */
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

/** Prints a result, as JSON or as text. */
export const show = (json: boolean, value: unknown, text: () => string): Effect.Effect<void> =>
  Console.log(json ? JSON.stringify(value, null, 2) : text())

/** Rows under a head, each column as wide as its widest cell. */
export const columns = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<unknown>>
): string => {
  const cells = [head, ...rows.map((row) => row.map((cell) => printable(`${cell}`)))]
  const widths = head.map((_, at) => Math.max(...cells.map((row) => (row[at] ?? "").length)))
  const line = (row: ReadonlyArray<string>) =>
    row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")
  return cells.map((row) => line(row).trimEnd()).join("\n")
}

/** A text without control characters. An agent is what a client says of itself, and a terminal obeys some of them. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\u00b7").slice(0, 500)

/** "1 session", "2 sessions". */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`

/** An instant to the second, in UTC. */
export const instant = (at: DateTime.DateTime): string =>
  DateTime.formatIso(at).replace(/\.\d+Z$/, "Z")

/** A duration in its two largest units. */
export const length = (duration: Duration.Duration): string =>
  Duration.format(Duration.seconds(Math.round(Duration.toSeconds(duration))))
    .split(" ")
    .slice(0, 2)
    .join(" ")
