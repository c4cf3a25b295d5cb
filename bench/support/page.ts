/** Writes what was measured into the pages of `docs/`, between markers, and the plots beside them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, totalmem } from "node:os"
import { fileURLToPath } from "node:url"

const docs = new URL("../../docs/", import.meta.url)

/** A table of Markdown, without the columns that have no figure at all; numbers stand to the right. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string | number>>
): string => {
  const columns = [...head.keys()].filter((column) => rows.some((row) => shown(row[column]) !== ""))
  const lines = columns.map((column) => (typeof rows[0]?.[column] === "number" ? "---:" : "---"))
  return [columns.map((column) => head[column] ?? ""), lines]
    .concat(rows.map((row) => columns.map((column) => shown(row[column]))))
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n")
}

const shown = (cell: string | number = ""): string =>
  typeof cell === "string" ? cell : Number.isFinite(cell) ? (cell + 0).toLocaleString("en") : ""

/** A number as a reader wants it: three digits that matter. */
export const rounded = (value: number): number => Number(value.toPrecision(3))

/** What was measured on, with what, and when. Says nothing of who or where. */
export const machine = (...versions: ReadonlyArray<string>): string =>
  [
    `Measured on ${new Date().toISOString().slice(0, 10)}`,
    `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? "an unknown processor"}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `Node ${process.version.slice(1)}`,
    ...versions
  ].join(", ")

/** Puts a text between the markers of that name in each page that has them. */
export const insert = (name: string, text: string): void => {
  const pattern = new RegExp(`(<!-- measured: ${name} -->\n)[\\s\\S]*?(<!-- end -->)`, "g")
  for (const page of ["benchmark.md", "scaling.md"]) {
    const file = fileURLToPath(new URL(page, docs))
    const before = readFileSync(file, "utf8")
    const after = before.replace(pattern, (_, begin, end) => `${begin}\n${text}\n\n${end}`)
    if (after !== before) writeFileSync(file, after)
  }
}

/** One plot. `x` is a number, or a name where the plot has bars. */
export interface Plot {
  readonly title: string
  readonly kind: "lines" | "bars"
  readonly x: string
  readonly y: string
  /** The steps of x grow by factors. */
  readonly log?: boolean
  /** Where on x lines are drawn, and what they say. */
  readonly marks?: ReadonlyArray<{ readonly x: number; readonly text: string }>
  readonly points: ReadonlyArray<{
    readonly x: number | string
    readonly y: number
    readonly series: string
    /** Which of several plots beneath each other. */
    readonly panel?: string
  }>
}

/** Draws a plot as `docs/benchmark/<name>.svg`, and gives the Markdown that shows it. */
export const picture = async (name: string, plot: Plot): Promise<string> => {
  // It is found by the library of plots that only bench/peers installs.
  const drawing = new URL("../peers/plots.mjs", import.meta.url).href
  const { draw }: { readonly draw: (plot: Plot) => string } = await import(drawing)
  mkdirSync(new URL("benchmark/", docs), { recursive: true })
  writeFileSync(new URL(`benchmark/${name}.svg`, docs), draw(plot))
  return `![${plot.title}](benchmark/${name}.svg)`
}
