/** Clients that go away at random times (X29): each request is stored whole or not at all, and nothing leaks. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { afterEach, describe, expect, it } from "vitest"
import { answered, ask, dial, request } from "../shutdown/harness.js"
import { type Backing, lacks, openBacking } from "../support/backing.js"
import { endProcess, eventually, pause } from "../support/process.js"
import { programOf } from "../support/programOf.js"
import type { StoreName } from "../support/serverStores.js"
import type { Vitals } from "./workers/aborts.js"

const requests = 500
const atOnce = 25
const sessions = 8
const stores: ReadonlyArray<StoreName> = [
  "memory",
  "files",
  "sqlite",
  "postgres",
  "mariadb",
  "redis"
]

const script = new URL("./workers/aborts.ts", import.meta.url).pathname

const start = async (backing: Backing) => {
  const child = spawn(
    process.execPath,
    ["--expose-gc", programOf(script), backing.store, backing.argument],
    { stdio: ["pipe", "pipe", "inherit"] }
  )
  const [line] = await once(createInterface({ input: child.stdout }), "line")
  return { child, port: Number(line) }
}

/** Asks on a connection of its own that is closed afterwards. */
const read = async (port: number, path: string, cookie = "") => {
  const line = await dial(port)
  line.write(request(path, cookie))
  const answer = await answered(line)
  line.socket.destroy()
  return answer
}

/** Goes away after so many milliseconds; tells whether the whole answer had come. */
const abort = async (port: number, path: string, cookie: string, millis: number) => {
  const line = await dial(port)
  line.write(request(path, cookie))
  await Promise.race([pause(millis), answered(line)])
  line.socket.destroy()
  return line.received().startsWith("HTTP/1.1 200")
}

interface Sent {
  readonly label: string
  readonly isLogin: boolean
  readonly session: number
  readonly isAnswered: boolean
}

/** How long clients wait: some hardly at all, some about as long as an answer takes, some until it comes. */
const patience = [
  () => Math.random() * 15,
  () => Math.random() * 60,
  () => Math.random() * 300,
  () => 10_000
]

const sendAll = async (port: number, cookies: ReadonlyArray<string>) => {
  const sent: Array<Sent> = []
  const sendSome = async (first: number) => {
    for (let index = first; index < requests; index += atOnce) {
      const isLogin = index % 5 === 0
      const session = index % sessions
      const label = `label-${index}`
      const path = `/${isLogin ? "login" : "change"}?label=${label}&millis=${index % 7}`
      const cookie = isLogin ? "" : (cookies[session] ?? "")
      const isAnswered = await abort(port, path, cookie, patience[index % patience.length]?.() ?? 0)
      sent.push({ label, isLogin, session, isAnswered })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, first) => sendSome(first)))
  return sent
}

const vitalsOf = async (port: number): Promise<Vitals> =>
  JSON.parse((await read(port, "/vitals")).text)

/** Opens what is opened on demand, the pool's connections for one, and gives what is left open. */
const warmUp = async (port: number): Promise<Vitals> => {
  await Promise.all(Array.from({ length: 100 }, () => read(port, "/change?label=a")))
  await pause(300)
  return vitalsOf(port)
}

describe.each(stores)("a server with %s whose clients go away at any time", (store) => {
  let backing: Backing | undefined
  let child: ChildProcess | undefined

  afterEach(async () => {
    if (child !== undefined) await endProcess(child, "SIGKILL")
    await backing?.close()
  })

  it.skipIf(lacks(store))(
    `X29 stores each of ${requests} requests whole or not at all, and keeps no fiber, handle or connection`,
    async () => {
      backing = await openBacking(store)
      const server = await start(backing)
      child = server.child
      const { port } = server
      const cookies = await Promise.all(
        Array.from({ length: sessions }, async () => (await ask(port, "/change")).cookie ?? "")
      )
      const before = await warmUp(port)

      const sent = await sendAll(port, cookies)

      await eventually(async () => {
        const after = await vitalsOf(port)
        expect(after.fibers).toBe(before.fibers)
        expect(after.busy).toBe(0)
        expect(after.handles).toBeLessThanOrEqual(before.handles)
      })
      const answered = sent.filter(({ isAnswered }) => isAnswered)
      expect(answered.length).toBeGreaterThan(0)
      expect(answered.length).toBeLessThan(requests)
      for (const [session, cookie] of cookies.entries()) {
        const { count, list } = JSON.parse((await read(port, "/all", cookie)).text)
        const own = sent.filter((one) => !one.isLogin && one.session === session)
        const labels = own.map(({ label }) => label)
        const acknowledged = own.filter(({ isAnswered }) => isAnswered).map(({ label }) => label)
        expect(list).toHaveLength(count)
        expect(list).toHaveLength(new Set(list).size)
        expect([...labels, ""]).toEqual(expect.arrayContaining(list))
        expect(list).toEqual(expect.arrayContaining(acknowledged))
      }
      const users: ReadonlyArray<string> = JSON.parse((await read(port, "/users")).text)
      const logins = sent.filter(({ isLogin }) => isLogin)
      expect(users).toHaveLength(new Set(users).size)
      expect(logins.map(({ label }) => label)).toEqual(expect.arrayContaining([...users]))
      expect(users).toEqual(
        expect.arrayContaining(
          logins.filter(({ isAnswered }) => isAnswered).map(({ label }) => label)
        )
      )
    },
    60_000
  )
})
