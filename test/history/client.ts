/** Sends one request and tells what is known of it afterwards. */
import { Agent, type IncomingMessage, request } from "node:http"
import type { Run, Sight } from "./server.js"

export type Outcome =
  /** The whole answer came, with status 200. */
  | { readonly _tag: "answered"; readonly sight: Sight; readonly cookie: string | null | undefined }
  /** Another status, no answer, or half of one: what was asked for may have happened, now or later. */
  | { readonly _tag: "unknown"; readonly reason: string }
  /** Nobody listened, so nothing happened. */
  | { readonly _tag: "unsent" }

const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const cookieName = "__Host-session"

export const send = (
  port: number,
  run: Run,
  cookie: string | undefined,
  abortAfterMillis: number | undefined
): Promise<Outcome> =>
  new Promise((resolve) => {
    const headers = { "x-run": JSON.stringify(run), ...cookieHeader(cookie) }
    const outgoing = request({ agent, host: "127.0.0.1", port, headers })
    const lost = (error: Error & { code?: string }) =>
      resolve(
        error.code === "ECONNREFUSED"
          ? { _tag: "unsent" }
          : { _tag: "unknown", reason: error.code ?? error.message }
      )
    outgoing.on("error", lost)
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error("no answer")))
    outgoing.on("response", (incoming) => {
      const chunks: Array<Buffer> = []
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
      incoming.on("error", lost)
      incoming.on("end", () => resolve(outcomeOf(incoming, Buffer.concat(chunks).toString())))
    })
    outgoing.end()
    if (abortAfterMillis !== undefined) {
      setTimeout(() => outgoing.destroy(new Error("aborted")), abortAfterMillis)
    }
  })

const cookieHeader = (cookie: string | undefined) =>
  cookie === undefined ? {} : { cookie: `${cookieName}=${cookie}` }

const outcomeOf = (incoming: IncomingMessage, text: string): Outcome => {
  if (incoming.statusCode !== 200) {
    return { _tag: "unknown", reason: `status ${incoming.statusCode}` }
  }
  const line = incoming.headers["set-cookie"]?.find((one) => one.startsWith(`${cookieName}=`))
  return { _tag: "answered", sight: JSON.parse(text), cookie: line && cookieOf(line) }
}

/** The value a line sets; `null` when it deletes the cookie. */
const cookieOf = (line: string): string | null => {
  const value = line.slice(cookieName.length + 1).split(";", 1)[0] ?? ""
  return value === "" ? null : value
}

export const fetchText = (port: number, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ agent, host: "127.0.0.1", port, path }, (incoming) => {
      const chunks: Array<Buffer> = []
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
      incoming.on("error", reject)
      incoming.on("end", () =>
        incoming.statusCode === 200
          ? resolve(Buffer.concat(chunks).toString())
          : reject(new Error(`${path} answered ${incoming.statusCode}.`))
      )
    })
      .on("error", reject)
      .end()
  })
