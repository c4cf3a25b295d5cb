/** The site of the documentation: the Markdown files of the repository as they stand there, and what is made of the source. */
import { existsSync } from "node:fs"
import { defineConfig } from "vitepress"
import { anchorOf, pageOf } from "./addresses.js"
import { diagrams } from "./diagrams.js"
import { links } from "./links.js"
import { repository } from "./repository.js"
import { linkTo, sections } from "./sidebar.js"

const entriesOf = (section: (typeof sections)[number]) =>
  section.entries
    // Some branches lack a page.
    .filter(([file]) => existsSync(`${repository}/${file}`))
    .map(([file, text]) => ({ text, link: linkTo(file) }))

export default defineConfig({
  title: "effect-session",
  description: "Sessions for Effect HTTP servers: typed, and safe under parallel requests.",
  lang: "en",
  // Where the site is not at the root of its host: DOCS_BASE=/effect-session/
  base: process.env.DOCS_BASE ?? "/",
  srcDir: repository,
  outDir: `${repository}/site`,
  cacheDir: `${repository}/node_modules/.cache/vitepress`,
  // A pattern is relative to `srcDir`. Pages are what is in `docs` and `apidocs`, and four files beside them.
  srcExclude: ["!(docs|apidocs)/**/*.md", "docs/.vitepress/**"],
  rewrites: (file) => pageOf(file),
  // There is no icon, and a browser need not ask for one.
  head: [["link", { rel: "icon", href: "data:," }]],
  vite: {
    // A picture is a file, also a small one.
    build: { assetsInlineLimit: 0 },
    // What is built is no source of what is shown.
    server: { watch: { ignored: [`${repository}/{site,dist,.data}/**`] } }
  },
  ignoreDeadLinks: "localhostLinks",
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: anchorOf },
    config: (markdown) => {
      links(markdown)
      diagrams(markdown)
    }
  },
  themeConfig: {
    nav: [
      { text: "Start", link: linkTo("docs/start.md") },
      { text: "Guides", link: linkTo("docs/guides/README.md") },
      { text: "Reference", link: linkTo("docs/reference/README.md") },
      { text: "Why", link: linkTo("docs/why.md") },
      { text: "Changes", link: linkTo("CHANGELOG.md") }
    ],
    sidebar: sections.map((section) => ({
      text: section.text,
      collapsed: section.text !== "Start",
      items: entriesOf(section)
    })),
    outline: [2, 3],
    search: { provider: "local" }
  }
})
