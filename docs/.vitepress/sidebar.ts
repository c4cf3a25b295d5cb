/** The order of the pages. */
import { readFileSync } from "node:fs"
import { pageOf, targetOf } from "./addresses.js"
import { repository } from "./repository.js"

/** A page by its file, and what it is called in a list. */
export type Entry = readonly [file: string, text: string]

interface Section {
  readonly text: string
  readonly entries: ReadonlyArray<Entry>
}

/** The files that a page links to in its tables, in that order and under its words. */
const listIn = (page: string): ReadonlyArray<Entry> => {
  const text = readFileSync(`${repository}/${page}`, "utf8")
  const links = text.matchAll(/^\|.*\[`?([^\]`]+)`?\]\(([^)]+)\)/gm)
  return Array.from(links, ([, words = "", link = ""]) => [
    targetOf(page, link)[0],
    `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
  ])
}

const modules = listIn("docs/reference/README.md").filter(([file]) => file.startsWith("src/"))

export const sections: ReadonlyArray<Section> = [
  {
    text: "Start",
    entries: [
      ["docs/start.md", "From nothing to a login"],
      ["README.md", "All in one page"],
      ["docs/editions.md", "Which edition"]
    ]
  },
  {
    text: "Guides",
    entries: [["docs/guides/README.md", "All guides"], ...listIn("docs/guides/README.md")]
  },
  {
    text: "Coming from",
    entries: [
      ["docs/coming-from/laravel.md", "Laravel"],
      ["docs/coming-from/express-session.md", "express-session"],
      ["docs/coming-from/spring-session.md", "Spring Session"],
      ["docs/coming-from/better-auth.md", "better-auth"]
    ]
  },
  {
    text: "Stores",
    entries: [
      ["docs/stores.md", "Which store when"],
      ["docs/databases.md", "Databases"],
      ["docs/redis.md", "Redis and Valkey"],
      ["docs/scaling.md", "Scaling"],
      ["docs/partitioning.md", "Very large tables"],
      ["docs/writing-a-store.md", "A store of your own"]
    ]
  },
  {
    text: "Operate",
    entries: [
      ["docs/command-line.md", "Command line"],
      ["docs/dashboard.md", "Dashboard"],
      ["docs/analytics.md", "Analytics"],
      ["docs/runtimes.md", "Runtimes"]
    ]
  },
  {
    text: "Reference",
    entries: [
      ["docs/reference/README.md", "Overview"],
      ["docs/reference/settings.md", "Settings"],
      ["docs/reference/errors.md", "Errors"],
      ["docs/events.md", "Events"],
      ...modules
    ]
  },
  {
    text: "Why",
    entries: [
      ["docs/why.md", "Against other libraries"],
      ["docs/benchmark.md", "The benchmark"]
    ]
  },
  {
    text: "Inside",
    entries: [
      ["docs/architecture.md", "Architecture"],
      ["docs/reliability.md", "Reliability"],
      ["docs/security.md", "Security"],
      ["SECURITY.md", "Threat model"],
      ["CONTRIBUTING.md", "Contributing"],
      ["CHANGELOG.md", "Changes"]
    ]
  }
]

export const linkTo = (file: string): string => `/${pageOf(file).replace(/(?:index)?\.md$/, "")}`
