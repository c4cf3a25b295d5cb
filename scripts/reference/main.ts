/**
 * Writes the pages that are made of the source: the API into `apidocs`, with the files of code that pages link to, and the
 * settings and errors into `docs/reference`. `npm run docs:build` and `npm run docs:dev` run it.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { modules, repository } from "../../docs/.vitepress/repository.js"
import { codePages } from "./code.js"
import { errorsOf, errorsPage } from "./errors.js"
import { modulesOf } from "./exports.js"
import { pageOf } from "./page.js"
import { settingsPage } from "./settings.js"

const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(repository, file)), { recursive: true })
  writeFileSync(join(repository, file), text)
}

const errors = await errorsOf(repository, modules)
write("docs/reference/errors.md", errorsPage(errors))
write("docs/reference/settings.md", settingsPage(repository))

rmSync(join(repository, "apidocs"), { recursive: true, force: true })
for (const [file, text] of codePages(repository)) write(file, text)
const tags = new Set(errors.map(({ tag }) => tag))
for (const module of modulesOf(repository, modules)) {
  write(`apidocs/api/${module.name}.md`, pageOf(repository, module, tags))
}
