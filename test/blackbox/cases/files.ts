/** What can happen to a directory of sessions while the servers run. Only for the files store. */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { expect } from "vitest"
import type { Client } from "../client.js"
import type { Case, Harness } from "../harness.js"
import { idOf, issued, visitor } from "./support.js"

const fileOf = async (harness: Harness, client: Client): Promise<string> => {
  const name = `sess_${await idOf(client)}`
  const found = readdirSync(harness.argument, { recursive: true, encoding: "utf8" }).find((path) =>
    path.endsWith(name)
  )
  if (found === undefined) throw new Error("The session has no file.")
  return join(harness.argument, found)
}

const damages: ReadonlyArray<readonly [string, (path: string) => void]> = [
  ["empty", (path) => writeFileSync(path, "")],
  [
    "cut in half",
    (path) => writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size / 2))
  ],
  ["binary junk", (path) => writeFileSync(path, Buffer.from([0, 255, 254, 1, 2, 3]))],
  ["other JSON", (path) => writeFileSync(path, '{"a":1}')],
  ["null", (path) => writeFileSync(path, "null")],
  ["flipped in one bit of its data", (path) => flip(path)],
  ["100 MB long", (path) => execFileSync("truncate", ["-s", "100M", path])],
  ["a directory", (path) => replaceBy(path, () => mkdirSync(path))],
  ["a named pipe", (path) => replaceBy(path, () => execFileSync("mkfifo", [path]))],
  ["a symbolic link", (path) => replaceBy(path, () => symlinkSync("/etc/passwd", path))],
  ["a link to itself", (path) => replaceBy(path, () => symlinkSync(path, path))]
]

const flip = (path: string): void => {
  const bytes = readFileSync(path)
  const at = bytes.length - 5
  bytes[at] = (bytes[at] as number) ^ 0x80
  writeFileSync(path, bytes)
}

const replaceBy = (path: string, make: () => void): void => {
  unlinkSync(path)
  make()
}

const damaged = damages.map(
  ([what, damage]): Case => [
    `a session whose file is ${what} is nobody's, never a 500, and a write begins another`,
    async (harness) => {
      const client = await visitor(harness)
      const other = await visitor(harness)
      const path = await fileOf(harness, client)
      damage(path)
      const read = await client.peek({ steps: [["all"], ["userId"]], node: 1 })
      const listed = await harness.admin("active", {}, 1)
      const write = await client.ask({ steps: [["put", "b", 1]] })
      rmSync(path, { recursive: true, force: true })

      expect([read.status, read.results]).toEqual([200, [{}, null]])
      expect(Array.isArray(listed)).toBe(true)
      expect(write.status).toBe(200)
      issued(write)
      expect(await client.elsewhere(["all"])).toEqual([{ b: 1 }])
      expect(await other.run(["get", "a"])).toEqual([{ some: 1 }])
    }
  ]
)

const junkFiles = ["stray", "sess_", "sess_zz", "sess_../x".replace("/", "_"), ".lock", "core.1234"]

/** Every way to use the session is a 503 that leaves the cookie alone. */
const unavailable = async (client: Client): Promise<void> => {
  for (const step of [["get", "a"], ["put", "a", 2], ["login", "u"], ["logout"]] as const) {
    const answer = await client.peek({ steps: [step], node: step[0] === "put" ? 1 : 0 })

    expect([step[0], answer.status, answer.setCookies]).toEqual([step[0], 503, []])
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/)
    expect(answer.headers.vary).toBe("Cookie")
  }
}

export const fileCases: ReadonlyArray<Case> = [
  ...damaged,
  [
    "while the directory is something else every session is 503 with Retry-After; afterwards all is well",
    async (harness) => {
      const client = await visitor(harness)
      const aside = `${harness.argument}-aside`
      renameSync(harness.argument, aside)
      writeFileSync(harness.argument, "no directory")
      try {
        await unavailable(client)
      } finally {
        rmSync(harness.argument)
        renameSync(aside, harness.argument)
      }

      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "login, logout, revoke and a collection get along with a damaged file",
    async (harness) => {
      for (const damage of ["", "junk", '{"v":1}']) {
        const user = harness.unique("user")
        const one = await visitor(harness)
        const two = await visitor(harness)
        const three = await visitor(harness)
        const id = await idOf(three)
        for (const client of [one, two, three]) writeFileSync(await fileOf(harness, client), damage)
        const login = await one.ask({ steps: [["login", user]], node: 1 })
        const logout = await two.ask({ steps: [["logout"]], node: 1 })
        const revoke = harness.admin("revoke", { id }, 1)

        expect([login.status, logout.status]).toEqual([200, 200])
        expect(await one.run(["userId"])).toEqual([{ some: user }])
        await expect(revoke).resolves.toEqual(expect.any(Boolean))
        await expect(harness.admin("collect", {}, 1)).resolves.toEqual(expect.any(Number))
        expect(await harness.admin("countActive", {}, 1)).toBe(1)
        await harness.admin("revokeAll")
      }
    }
  ],
  [
    "stray files and directories in the directory harm nobody",
    async (harness) => {
      const client = await visitor(harness)
      const shard = dirname(await fileOf(harness, client))
      for (const folder of [harness.argument, shard]) {
        for (const name of junkFiles) writeFileSync(join(folder, name), "junk")
        mkdirSync(join(folder, "sess_directory"))
      }
      const listed = await harness.sessions()
      await harness.admin("collect", {}, 1)
      const revoked = await harness.admin("revokeAll", {}, 1)
      for (const folder of [harness.argument, shard]) {
        for (const name of [...junkFiles, "sess_directory"]) {
          rmSync(join(folder, name), { recursive: true, force: true })
        }
      }

      expect([listed.length, revoked]).toEqual([1, 1])
    }
  ],
  [
    "after the shards were deleted everybody is anonymous, and writes work",
    async (harness) => {
      const client = await visitor(harness)
      for (const name of readdirSync(harness.argument)) {
        if (/^[0-9a-f]{2}$/.test(name)) rmSync(join(harness.argument, name), { recursive: true })
      }
      const read = await client.ask({ steps: [["all"]], node: 1 })
      const write = await client.ask({ steps: [["put", "b", 1]], node: 1 })

      expect([read.status, read.results, read.setCookies]).toEqual([200, [{}], []])
      expect(write.status).toBe(200)
      expect(await client.run(["all"])).toEqual([{ b: 1 }])
    }
  ],
  [
    "after the directory was removed and made again the servers go on by themselves",
    async (harness) => {
      const client = await visitor(harness)
      rmSync(harness.argument, { recursive: true })
      const gone = await client.peek({ steps: [["get", "a"]], node: 1 })
      mkdirSync(harness.argument, { mode: 0o700 })
      const answers = [
        await client.ask({ steps: [["put", "b", 1]] }),
        await client.ask({ steps: [["put", "c", 1]], node: 1 })
      ]

      expect([gone.status, gone.setCookies]).toEqual([503, []])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect(await client.run(["all"])).toEqual([{ b: 1, c: 1 }])
      const parallel = await Promise.all(
        Array.from({ length: 20 }, (_, node) => client.peek({ steps: [["increment", "n"]], node }))
      )
      expect(new Set(parallel.map(({ status }) => status))).toEqual(new Set([200]))
      expect(await client.run(["get", "n"])).toEqual([{ some: 20 }])
    }
  ],
  [
    "every mount answers 503 with Retry-After and varies by cookie while the store is down",
    async (harness) => {
      const clients = []
      for (const app of ["main", "layerRouter", "httpApi", "webHandler"]) {
        clients.push(await visitor(harness, { a: 1 }, app))
      }
      const aside = `${harness.argument}-aside`
      renameSync(harness.argument, aside)
      writeFileSync(harness.argument, "no directory")
      const answers = []
      for (const client of clients) answers.push(await client.peek({ steps: [["get", "a"]] }))
      rmSync(harness.argument)
      renameSync(aside, harness.argument)

      expect(
        answers.map(({ status, headers, setCookies }) => [
          status,
          /^\d+$/.test(String(headers["retry-after"])),
          headers.vary,
          setCookies
        ])
      ).toEqual(clients.map(() => [503, true, "Cookie", []]))
    }
  ],
  [
    "a store that goes down before the commit makes the answer a 503, and nothing is half done",
    async (harness) => {
      const client = await visitor(harness)
      for (const steps of [[["put", "a", 2]], [["regenerate"]], [["migrate"]]] as const) {
        const gate = harness.unique("down")
        const pending = client.peek({ steps: [...steps, ["gate", gate]] })
        await harness.entered(gate)
        const aside = `${harness.argument}-aside`
        renameSync(harness.argument, aside)
        writeFileSync(harness.argument, "no directory")
        await harness.open(gate)
        const answer = await pending
        rmSync(harness.argument)
        renameSync(aside, harness.argument)

        expect([answer.status, answer.setCookies]).toEqual([503, []])
        expect(answer.headers["retry-after"]).toMatch(/^\d+$/)
        expect(answer.text).not.toContain("results")
        expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
      }
    }
  ],
  [
    "while the directory is gone a write is a 503 or makes it anew, never a 500, and no cookie is deleted",
    async (harness) => {
      const client = await visitor(harness)
      const aside = `${harness.argument}-aside`
      renameSync(harness.argument, aside)
      const answers = [
        await client.peek({ steps: [["get", "a"]] }),
        await client.peek({ steps: [["get", "a"]], node: 1 }),
        await harness.client().peek({ steps: [["put", "a", 1]] })
      ]
      rmSync(harness.argument, { recursive: true, force: true })
      renameSync(aside, harness.argument)

      for (const { status, setCookies } of answers) {
        expect([200, 503]).toContain(status)
        for (const line of setCookies) expect(line).not.toMatch(/max-age=0/i)
      }
      expect(answers.slice(0, 2).map(({ status }) => status)).toEqual([503, 503])
      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "no file name and no file content holds a token, and files are 0600 in directories of 0700",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["migrate"])
      const tokens = client.seen.map((line) => line.split(/[=;]/, 2)[1] as string)
      const paths = readdirSync(harness.argument, { recursive: true, encoding: "utf8" })

      expect(tokens).toHaveLength(2)
      expect(statSync(harness.argument).mode & 0o777).toBe(0o700)
      for (const path of paths) {
        const whole = join(harness.argument, path)
        const stat = statSync(whole)
        expect([path, stat.mode & 0o777]).toEqual([path, stat.isDirectory() ? 0o700 : 0o600])
        const text = path + (stat.isFile() ? readFileSync(whole, "latin1") : "")
        for (const token of tokens) expect(text).not.toContain(token)
      }
    }
  ],
  [
    "sealed payloads are nowhere in plain text",
    async (harness) => {
      const secret = harness.unique("very-secret-value")
      const client = await visitor(harness, { [secret]: secret }, "sealedOld")
      const path = await fileOf(harness, client)

      expect(readFileSync(path, "latin1")).not.toContain(secret)
    }
  ],
  [
    "two rows whose sealed payloads were swapped are both void",
    async (harness) => {
      const one = await visitor(harness, { a: 1 }, "sealedOld")
      const two = await visitor(harness, { a: 2 }, "sealedOld")
      const [first, second] = [await fileOf(harness, one), await fileOf(harness, two)]
      const bytes = readFileSync(first)
      writeFileSync(first, readFileSync(second))
      writeFileSync(second, bytes)

      for (const client of [one, two]) {
        const answer = await client.peek({ steps: [["all"]], node: 1 })
        expect([answer.status, answer.results]).toEqual([200, [{}]])
      }
    }
  ],
  [
    "a destroyed session leaves no file that names it",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["migrate"])
      await client.run(["regenerate"])
      const id = await idOf(client)
      await client.run(["logout"])
      const names = readdirSync(harness.argument, { recursive: true, encoding: "utf8" })

      expect(names.filter((name) => name.includes(id))).toEqual([])
    }
  ],
  [
    "a restored copy of a file revives nothing after logout",
    async (harness) => {
      const client = await visitor(harness)
      const path = await fileOf(harness, client)
      chmodSync(path, 0o600)
      const copy = client.copy()
      const before = readFileSync(path)
      await harness.advance(3 * 3_600_000)
      writeFileSync(path, before)

      expect((await copy.peek({ steps: [["all"]] })).results).toEqual([{}])
    }
  ]
]
