/**
 * docs/start.md leads from an empty folder to an app on PostgreSQL: its files compile, and its commands print what stands
 * there. Only the installation is not done: the project gets the package as it is built, and the dependencies of this one.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type PostgresServer, startPostgres } from "../support/postgres.js"
import { endProcess, freePort, isOnPath, temporaryDirectory } from "../support/process.js"
import { isRequired } from "../support/required.js"

const root = resolve(import.meta.dirname, "../..")
const page = await readFile(join(root, "docs/start.md"), "utf8")
const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"))

/** The files of the page: a comment above a block names each. */
const files = Array.from(
  page.matchAll(/<!-- file: (.+) -->\n```\w+\n([\s\S]*?)^```$/gm),
  ([, name = "", text = ""]) => ({ name, text })
)

const blocksOf = (language: string) =>
  Array.from(
    page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm")),
    ([, text = ""]) => text
  )

/** What is typed behind each prompt of the page, and what it prints. */
const transcript = blocksOf("console")
  .flatMap((block) => block.split(/^\$ /m).slice(1))
  .map((text) => {
    const [command = "", ...output] = text.split("\n")
    return { command, output: output.join("\n").trim() }
  })

/** What differs from run to run. */
const changing: ReadonlyArray<readonly [RegExp, string]> = [
  [/\r\n/g, "\n"],
  [/__Host-session=[\w-]{43}/g, "__Host-session=<token>"],
  [/\b[0-9a-f]{40}\b/g, "<id>"],
  [/\w{3}, \d\d \w{3} 20\d\d [\d:]{8} GMT/g, "<date>"],
  [/20\d\d-\d\d-\d\dT[\d:]{8}Z/g, "<time>"],
  [/PostgreSQL at \S+/g, "PostgreSQL at <host>"],
  [/\d+ ms/g, "<n> ms"],
  [/curl\/[\d.]+/g, "curl"],
  [/ {2,}/g, "  "]
]

const lacksCurl = !isOnPath("curl") && !isRequired("curl")

const stable = (text: string): string =>
  changing.reduce((kept, [pattern, word]) => kept.replace(pattern, word), text.trim())

describe("docs/start.md", () => {
  let server: PostgresServer
  let project: string
  let port: number
  const children: Array<ChildProcess> = []

  // Nothing of this process but its programs: the page has its variables in a file.
  const environment = () => ({
    HOME: project,
    PATH: `${join(project, "node_modules/.bin")}:${process.env.PATH}`,
    PORT: `${port}`
  })

  /** Runs what the page says, on this project's own port. npx finds the same programs, and takes a second longer. */
  const run = async (command: string): Promise<string> => {
    const line = command.replace(/^npx /, "").replaceAll("localhost:3000", `localhost:${port}`)
    const options = { cwd: project, env: environment() }
    const { stdout } = await promisify(execFile)("bash", ["-c", `${line} 2>&1`], options)
    return stdout
  }

  beforeAll(async () => {
    server = await startPostgres()
    project = await temporaryDirectory("start")
    port = await freePort()
    await installed(project)
    const url = await server.aDatabase()
    for (const { name, text } of files) {
      await writeFile(join(project, name), text.replace(/^DATABASE_URL=.*/m, `DATABASE_URL=${url}`))
    }
    await writeFile(join(project, "package.json"), '{ "type": "module" }')
  }, 180_000)

  afterAll(async () => {
    for (const child of children) await endProcess(child, "SIGTERM")
    await server.close()
    await rm(project, { recursive: true })
  })

  it("names the versions that are tested", () => {
    const named = blocksOf("sh").flatMap(
      (block) => block.match(/\S+@[\d.]+$|\S+@[\d.]+(?=\s)/gm) ?? []
    )

    expect(named.length).toBe(13)
    for (const name of named) {
      const [, packageName = "", version = ""] = /^(.+)@([\d.]+)$/.exec(name) ?? []
      expect(`${packageName}@${manifest.devDependencies[packageName]}.`).toContain(`@${version}.`)
    }
  })

  it("has files that compile", { timeout: 120_000 }, async () => {
    expect(files.map(({ name }) => name)).toEqual([
      "tsconfig.json",
      ".env",
      "app.ts",
      "server.ts",
      "app.test.ts"
    ])
    expect(await run("npx tsc")).toBe("")
  })

  it("has a test that passes", { timeout: 120_000 }, async () => {
    expect(await run("npx vitest run")).toContain("1 passed")
  })

  const printing = `prints what stands there${lacksCurl ? " (skipped: there is no curl)" : ""}`
  it(printing, { skip: lacksCurl, timeout: 120_000 }, async () => {
    const start = blocksOf("sh").find((block) => block.startsWith("node ")) ?? ""
    let started = false
    for (const { command, output } of transcript) {
      if (output === "" && command.startsWith("npx ")) continue
      if (command.startsWith("curl ") && !started) {
        children.push(await serving(start.trim(), project, environment()))
        started = true
      }
      expect(stable(await run(command.replace(/^curl /, "curl -sS "))), command).toBe(
        stable(output)
      )
    }
    expect(started).toBe(true)
  })
})

/** Starts a server and waits until it listens. */
const serving = (command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const child = spawn("bash", ["-c", `exec ${command}`], { cwd, env })
    let printed = ""
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      if (printed.includes("Listening on")) resolve(child)
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
    child.once("exit", (code) => reject(new Error(`The server ended with ${code}: ${printed}`)))
  })

/** Builds the package into a project, beside the packages that this repository has. */
const installed = async (project: string): Promise<void> => {
  const modules = join(project, "node_modules")
  const programs = join(modules, ".bin")
  const built = join(modules, "effect-session")
  await mkdir(programs, { recursive: true })
  for (const name of await readdir(join(root, "node_modules"))) {
    if (name.startsWith(".") || name === "effect-session") continue
    await symlink(join(root, "node_modules", name), join(modules, name))
  }
  await mkdir(built)
  await writeFile(join(built, "package.json"), JSON.stringify(manifest))
  const compiler = join(root, "node_modules/.bin/tsc")
  const settings = ["-p", join(root, "tsconfig.build.json"), "--noCheck"]
  await promisify(execFile)(compiler, [...settings, "--outDir", join(built, "dist")])
  await programIn(programs, "effect-session", join(built, "dist/cli.js"))
  for (const name of ["tsc", "vitest"]) {
    await programIn(programs, name, join(root, "node_modules/.bin", name))
  }
}

const programIn = async (directory: string, name: string, file: string): Promise<void> => {
  await mkdir(dirname(join(directory, name)), { recursive: true })
  await writeFile(join(directory, name), `#!/bin/sh\nexec node ${file} "$@"\n`, { mode: 0o755 })
}
