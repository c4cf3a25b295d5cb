/** How results are printed: as tables for people, as JSON for programs. */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** What text is printed on: how wide it is (`undefined` for a file or a pipe), and whether it shows colours. */
export interface Surface {
  readonly width: number | undefined
  readonly hasColours: boolean
}

/** What this run prints on. */
export class Screen extends Context.Reference<Screen>()("effect-session/cli/Screen", {
  defaultValue: (): Surface => ({
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    hasColours: wantsColours(process.env, process.stdout.isTTY)
  })
}) {}

/** As Node decides: FORCE_COLOR, then NO_COLOR, then whether it is a terminal. */
export const wantsColours = (
  { FORCE_COLOR, NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean | undefined
): boolean =>
  FORCE_COLOR === undefined
    ? !NO_COLOR && isTerminal === true && TERM !== "dumb"
    : FORCE_COLOR !== "0" && FORCE_COLOR !== "false"

const codes = { bold: 1, dim: 2, red: 31, green: 32 } as const

/** A text in a colour or weight, where the screen shows it. */
export const painted = ({ hasColours }: Surface, look: keyof typeof codes, text: string): string =>
  hasColours ? `\u001b[${codes[look]}m${text}\u001b[0m` : text

/** Prints a result, as JSON or as text. */
export const show = (
  json: boolean,
  value: unknown,
  text: (screen: Surface) => string
): Effect.Effect<void> =>
  Effect.flatMap(Screen, (screen) =>
    Console.log(json ? JSON.stringify(value, null, 2) : text(screen))
  )

/** Says on standard error how many more there are than were shown. */
export const more = (count: number | string): Effect.Effect<void> =>
  typeof count === "number" && count <= 0
    ? Effect.void
    : Console.error(`${grouped(count)} more: --limit`)

// ---------------------------------------------------------------------------------------------------------------------
// tables
// ---------------------------------------------------------------------------------------------------------------------

const gap = "  "

/** A table that fits the screen: cells that are too wide are cut, then the last columns are left out. */
export const table = (
  screen: Surface,
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<unknown>>
): string => {
  const cells = rows.map((row) => row.map((cell) => printable(`${cell}`)))
  const widths = head.map((title, at) =>
    cells.reduce((widest, row) => Math.max(widest, widthOf(row[at] ?? "")), widthOf(title))
  )
  const shown = fitted(widths, screen.width ?? Number.POSITIVE_INFINITY)
  const line = (row: ReadonlyArray<string>) =>
    shown
      .map((width, at) => padded(cut(row[at] ?? "", width), width))
      .join(gap)
      .trimEnd()
  const left = head.slice(shown.length).join(", ")
  const note = `(no room for ${left}; a wider terminal or --json shows more)`
  return [
    painted(screen, "bold", line(head)),
    ...cells.map(line),
    ...(left === "" ? [] : [painted(screen, "dim", note)])
  ].join("\n")
}

/** What a column keeps of its width: the first one has the ids, and half an instant tells nothing. */
const leastOf = (at: number, width: number): number => (at === 0 || width === 20 ? 40 : 10)

const fitted = (widths: ReadonlyArray<number>, width: number): ReadonlyArray<number> => {
  const total = widths.reduce((sum, one) => sum + one, gap.length * (widths.length - 1))
  const spare = widths.map((one, at) => one - leastOf(at, one))
  const most = Math.max(...spare)
  if (total <= width || (most <= 0 && widths.length === 1)) return widths
  const widest = spare.indexOf(most)
  return most > 0
    ? fitted(
        widths.map((one, at) => (at === widest ? one - 1 : one)),
        width
      )
    : fitted(widths.slice(0, -1), width)
}

/** Cuts a text in its middle: both ends of an agent or an address tell more. */
const cut = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text
  const characters = Array.from(text)
  const start = taken(characters, Math.ceil((width - 1) / 2))
  const end = taken([...characters].reverse(), Math.floor((width - 1) / 2))
  return `${start.join("")}\u2026${[...end].reverse().join("")}`
}

const taken = (characters: ReadonlyArray<string>, width: number): ReadonlyArray<string> => {
  let room = width
  return characters.slice(
    0,
    characters.findIndex((one) => {
      room -= widthOf(one)
      return room < 0
    })
  )
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/gu

/** How many columns a terminal needs for a text. */
const widthOf = (text: string): number => {
  if (/^[ -~]*$/.test(text)) return text.length
  const shown = text.replace(/\p{M}/gu, "")
  return Array.from(shown).length + (shown.match(wide)?.length ?? 0)
}

const padded = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - widthOf(text)))

/** A text without control characters. An agent is what a client says of itself, and a terminal obeys some of them. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\u00b7").slice(0, 500)

// ---------------------------------------------------------------------------------------------------------------------
// words
// ---------------------------------------------------------------------------------------------------------------------

/** "12,000". */
export const grouped = (count: number | string): string =>
  String(count).replace(/\B(?=(?:\d{3})+$)/g, ",")

/** "1 session", "2 sessions". */
export const counted = (count: number, noun: string): string =>
  `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`

/** An instant to the second, in UTC. */
export const instant = (at: DateTime.DateTime): string =>
  DateTime.formatIso(at).replace(/\.\d+Z$/, "Z")

/** A duration in its two largest units. */
export const length = (duration: Duration.Duration): string =>
  Duration.format(Duration.seconds(Math.round(Duration.toSeconds(duration))))
    .split(" ")
    .slice(0, 2)
    .join(" ")
