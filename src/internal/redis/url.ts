/** From the URL of a Redis server to the server. An error names the source of the URL, never what is in it. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { SessionConfigError } from "../errors/errors.js"
import type { Address, Server } from "./model.js"

const fail = (field: string, reason: string) => new SessionConfigError({ field, reason })

/** What the keys of a store may begin with. */
export const prefixes = /^[\w.:-]{1,64}$/

/** The prefix of a store that is not given one. */
export const defaultPrefix = "effect-session"

/** What a URL says. */
export interface Named {
  readonly server: Server
  readonly prefix: string | undefined
}

/** The parameters that a URL may have, and the values they take. */
const parameters: ReadonlyMap<string, RegExp> = new Map([
  ["cluster", /^true$/],
  ["prefix", prefixes],
  ["sentinel", /^[\w.-]+$/],
  ["node", /^[^:@/]+:\d{1,5}$/]
])

/** The server of a URL, and its prefix; `source` is the option or the variable that holds it. */
export const serverOfUrl = (
  source: string,
  given: Redacted.Redacted<string>
): Effect.Effect<Named, SessionConfigError> =>
  Effect.try({
    try: () => serverIn(source, Redacted.value(given)),
    // The error of `URL` quotes the URL, and with it the password.
    catch: (error) => (error instanceof SessionConfigError ? error : fail(source, "is not a URL."))
  })

const serverIn = (source: string, text: string): Named => {
  if (!/^rediss?:\/\//i.test(text)) throw fail(source, "must begin with redis:// or rediss://.")
  const url = new URL(text)
  // Such a part may be the rest of a password, so it is not named.
  if (url.hash !== "" || url.search.includes("@")) {
    throw fail(
      source,
      "has a #, or an @ behind a ?. In a password or value write # as %23, ? as %3F and @ as %40."
    )
  }
  for (const [key, value] of url.searchParams) checkParameter(source, key, value)
  const name = url.searchParams.get("sentinel")
  const isCluster = url.searchParams.has("cluster")
  if (name !== null && isCluster) throw fail(source, "names a Sentinel and a cluster: choose one.")
  const first = { host: hostIn(url), port: Number(url.port || (name === null ? 6379 : 26_379)) }
  const more = url.searchParams.getAll("node").map(nodeIn)
  if (more.length > 0 && name === null && !isCluster) {
    throw fail(source, "has the parameter node, which needs sentinel or cluster.")
  }
  const tls = /^rediss:/i.test(url.protocol)
  const server = {
    nodes: [first, ...more],
    username: decoded(url.username),
    password: url.password === "" ? undefined : Redacted.make(decodeURIComponent(url.password)),
    tls,
    database: databaseIn(source, url, isCluster),
    sentinel: name === null ? undefined : { name, tls },
    isCluster
  }
  return { server, prefix: url.searchParams.get("prefix") ?? undefined }
}

const checkParameter = (source: string, key: string, value: string): void => {
  const takes = parameters.get(key)
  if (takes === undefined) {
    const known = [...parameters.keys()].join(", ")
    throw fail(
      source,
      `has the parameter ${key}, which the client for Redis does not know. It knows ${known}.`
    )
  }
  if (!takes.test(value)) {
    throw fail(source, `has the parameter ${key} with a value that it does not take.`)
  }
}

const hostIn = ({ hostname }: URL): string =>
  hostname === "" ? "127.0.0.1" : decodeURIComponent(hostname).replace(/^\[(.*)\]$/, "$1")

const nodeIn = (text: string): Address => {
  const [host = "", port] = text.split(":")
  return { host, port: Number(port) }
}

const decoded = (part: string): string | undefined =>
  part === "" ? undefined : decodeURIComponent(part)

const databaseIn = (source: string, { pathname }: URL, isCluster: boolean): number => {
  const text = pathname.replace(/^\//, "")
  if (!/^\d{0,5}$/.test(text))
    throw fail(source, "must end with the number of a database, or none.")
  const database = Number(text)
  if (isCluster && database > 0) throw fail(source, "names a database, but a cluster has only 0.")
  return database
}

/** What the store is and where, for people, without user and password. */
export const describe = ({ prefix = defaultPrefix, server }: Named): string =>
  `the keys {${prefix}} of ${placeOf(server)}`

const placeOf = ({ database = 0, isCluster, nodes, sentinel }: Server): string => {
  const hosts = nodes.map(({ host, port }) => `${host}:${port}`).join(", ")
  if (sentinel !== undefined) return `Redis, the master ${sentinel.name} of the Sentinels ${hosts}`
  return isCluster === true ? `the Redis cluster at ${hosts}` : `Redis at ${hosts}/${database}`
}
