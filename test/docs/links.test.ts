/**
 * Every relative link and every anchor of the Markdown pages leads somewhere, in the repository and on the site. Both make
 * the anchor of a heading by the same rules, those of GitHub.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { anchorOf, isRelative, pageOf, targetOf } from "../../docs/.vitepress/addresses.js"
import { linksOf, pages, repository, withoutCode } from "../../docs/.vitepress/repository.js"
import { sections } from "../../docs/.vitepress/sidebar.js"

const manifest: { readonly files: ReadonlyArray<string> } = JSON.parse(
  readFileSync(join(repository, "package.json"), "utf8")
)

const isInPackage = (path: string): boolean =>
  manifest.files.some((file) => path === file || path.startsWith(`${file}/`))

/** The anchors of a page. A heading that occurs again gets a number. */
const anchorsOf = (page: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  // A span of code is part of a heading, a block is not.
  const text = readFileSync(join(repository, page), "utf8").replace(/^(`{3,})[\s\S]*?^\1$/gm, "")
  for (const [, heading = ""] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = anchorOf(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"))
    let free = anchor
    for (let count = 1; anchors.has(free); count++) free = `${anchor}-${count}`
    anchors.add(free)
  }
  return anchors
}

/** What is wrong with a link, if anything. */
const problemOf = (page: string, link: string): string | undefined => {
  const [target, anchor] = targetOf(page, link)
  if (!existsSync(join(repository, target))) return `${link}: there is no ${target}`
  if (!isInPackage(target)) return `${link}: ${target} is not in the package`
  if (anchor === "" || !target.endsWith(".md")) return undefined
  return anchorsOf(target).has(anchor.slice(1))
    ? undefined
    : `${link}: ${target} has no such heading`
}

describe("the links", () => {
  it.each(pages)("of %s lead somewhere", (page) => {
    const links = linksOf(page).filter((link) => isRelative(link) || link.startsWith("#"))

    expect(links.map((link) => problemOf(page, link)).filter(Boolean)).toEqual([])
  })

  it("are written in one way, which the tests read", () => {
    const others = pages.flatMap((page) =>
      withoutCode(readFileSync(join(repository, page), "utf8"))
        .split("\n")
        .filter((line) => /^\[[^\]]+\]: |<a |<img |\]\[/.test(line))
    )

    expect(others).toEqual([])
  })
})

describe("the site", () => {
  it("has every page in its list", () => {
    const listed = new Set(sections.flatMap(({ entries }) => entries.map(([file]) => file)))

    expect(pages.filter((page) => page !== "docs/index.md" && !listed.has(page))).toEqual([])
  })

  it("has no two pages at one address", () => {
    expect(new Set(pages.map(pageOf)).size).toBe(pages.length)
  })
})
