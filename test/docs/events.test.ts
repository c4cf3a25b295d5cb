/** docs/events.md names every event with its fields and reasons. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")

const page = read("docs/events.md")
const source = read("src/internal/events/event.ts")

/** The text of each member of the union, by its tag. */
const members = [...source.matchAll(/_tag: "(\w+)"(.*?)(?=_tag: "|export type EventOf)/gs)].map(
  ([, tag, text]) => [tag as string, text as string] as const
)

const rowOf = (tag: string) =>
  page.split("\n").find((line) => line.startsWith(`| \`${tag}\` |`)) ?? ""

describe("docs/events.md", () => {
  it.each(members)("names %s, its fields and its reasons", (tag, text) => {
    const row = rowOf(tag)
    const fields = [...text.matchAll(/readonly (\w+)\??:/g)].map(([, field]) => field)
    const words = [...text.matchAll(/: (?:"\w+"(?: \| )?)+/g)].flatMap(([union]) =>
      [...union.matchAll(/"(\w+)"/g)].map(([, word]) => word)
    )
    const reasons = text.includes("readonly reason:") ? words : []

    expect([...fields, ...reasons].filter((word) => !row.includes(`\`${word}\``))).toEqual([])
    if (/& (Actor|Client)/.test(text)) expect(row).toContain("`clientAddress`")
    if (text.includes("& Actor")) expect(row).toContain("`userId`")
  })

  it("names nothing else", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, tag]) => tag)

    expect(rows.sort()).toEqual(members.map(([tag]) => tag).sort())
    expect(members.length).toBe(12)
  })
})
