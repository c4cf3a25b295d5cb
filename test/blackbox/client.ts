/** A raw HTTP client with a strict cookie jar: what came is recorded as it came. */
import { Agent, type IncomingMessage, request } from "node:http"
import type { Run } from "./apps.js"
import type { Step } from "./operations.js"

export const cookieName = "__Host-session"

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingMessage["headers"]
  /** The `Set-Cookie` lines as they came. */
  readonly setCookies: ReadonlyArray<string>
  /** What the steps gave, in their order. */
  readonly results: ReadonlyArray<unknown>
}

export interface Ask extends Run {
  readonly method?: string
  readonly path?: string
  readonly send?: Readonly<Record<string, string | ReadonlyArray<string>>>
  readonly body?: string
  /** Which server process. Default: the first. */
  readonly node?: number
  /** A `Cookie` header instead of the jar's; `null` sends none. */
  readonly cookie?: string | null
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

export const send = (port: number, ask: Ask, cookie: string | undefined): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = "GET", path = "/run", body } = ask
    const outgoing = request({ agent, host: "127.0.0.1", port, method, path }, (incoming) => {
      const chunks: Array<Buffer> = []
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
      incoming.on("error", reject)
      incoming.on("end", () => resolve(answerOf(incoming, Buffer.concat(chunks).toString())))
    })
    outgoing.on("error", reject)
    const { steps, status, headers, cookies, as, late } = ask
    const run: Run = { steps, status, headers, cookies, as, late }
    outgoing.setHeader("x-run", encodeURIComponent(JSON.stringify(run)))
    if (cookie !== undefined) outgoing.setHeader("cookie", cookie)
    for (const [name, value] of Object.entries(ask.send ?? {})) outgoing.setHeader(name, value)
    outgoing.end(body)
  })

const answerOf = (incoming: IncomingMessage, text: string): Answer => ({
  status: incoming.statusCode ?? 0,
  text,
  headers: incoming.headers,
  setCookies: incoming.headers["set-cookie"] ?? [],
  results: resultsOf(text)
})

const resultsOf = (text: string): ReadonlyArray<unknown> => {
  try {
    return JSON.parse(text).results ?? []
  } catch {
    return []
  }
}

/** One visitor: a browser with one cookie jar, talking to every server process of one application. */
export class Client {
  /** Every line this client was ever given. */
  readonly seen: Array<string> = []

  constructor(
    readonly ports: ReadonlyArray<number>,
    public jar: ReadonlyMap<string, string> = new Map()
  ) {}

  /** The session cookie as it would be sent. */
  get cookie(): string | undefined {
    const value = this.jar.get(cookieName)
    return value === undefined ? undefined : `${cookieName}=${value}`
  }

  /** Another client that carries the same cookies: a second tab, or a thief. */
  copy(): Client {
    return new Client(this.ports, new Map(this.jar))
  }

  async ask(ask: Ask): Promise<Answer> {
    const answer = await this.peek(ask)
    for (const line of answer.setCookies) this.#take(line)
    return answer
  }

  /** As `ask`, but the answer's cookies never arrive. */
  peek(ask: Ask): Promise<Answer> {
    const port = this.ports[(ask.node ?? 0) % this.ports.length] as number
    const jar = Array.from(this.jar, ([name, value]) => `${name}=${value}`).join("; ")
    const cookie = ask.cookie === undefined ? jar : (ask.cookie ?? "")
    return send(port, ask, cookie === "" ? undefined : cookie)
  }

  /** Runs steps and gives their results. */
  async run(...steps: ReadonlyArray<Step>): Promise<ReadonlyArray<unknown>> {
    return (await this.ask({ steps })).results
  }

  /** Runs steps on the second server process, where there is one. */
  async elsewhere(...steps: ReadonlyArray<Step>): Promise<ReadonlyArray<unknown>> {
    return (await this.ask({ steps, node: 1 })).results
  }

  #take(line: string): void {
    this.seen.push(line)
    const [pair = ""] = line.split(";", 1)
    const at = pair.indexOf("=")
    const jar = new Map(this.jar)
    if (/;\s*max-age=0(?:;|$)/i.test(line)) jar.delete(pair.slice(0, at))
    else jar.set(pair.slice(0, at), pair.slice(at + 1))
    this.jar = jar
  }
}
