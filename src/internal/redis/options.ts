/** The options of the store: how it reaches its server, and which server they name. */
import type { ConnectionOptions } from "node:tls"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { SessionConfigError } from "../errors/errors.js"
import type { Credentials, Server } from "./model.js"
import { defaultPrefix, type Named, prefixes, serverOfUrl } from "./url.js"

/** The address of a node. */
export interface Node {
  readonly host: string
  /** Default 6379, of a Sentinel 26379. */
  readonly port?: number | undefined
}

/**
 * Sends one command of Redis through a client of the app's own. `args` begins with the name of the command; `key` tells a client of
 * a cluster which node it is for. The answer is what the server says: texts, whole numbers, `null` and lists of them.
 */
export type Send = (args: Array<string>, key: string) => Promise<unknown>

/**
 * How the store reaches its server: by a URL, by an address, through Sentinels, as a cluster, or through a client of the app's
 * own.
 */
export type Connection =
  | {
      /**
       * `redis://user:password@host:6379/0`, or `rediss:` for TLS. With `?sentinel=<name>` the host is a Sentinel, with
       * `?cluster=true` a node of a cluster; `&node=<host>:<port>` names another one. `?prefix=` is as the option.
       */
      readonly url: string | Redacted.Redacted<string>
      /** Options of `node:tls`, such as `ca`, for `rediss:`; of the Sentinels too. */
      readonly tls?: ConnectionOptions | undefined
    }
  | (Node & Credentials & { readonly database?: number | undefined })
  | (Credentials & {
      readonly database?: number | undefined
      /** The name of the master, and the Sentinels, which may need a password of their own. */
      readonly sentinel: Credentials & {
        readonly name: string
        readonly nodes: ReadonlyArray<Node>
      }
    })
  | (Credentials & {
      /** Some nodes of the cluster. The store finds the others. */
      readonly cluster: ReadonlyArray<Node>
    })
  | { readonly send: Send }

/** The settings of the Redis store. */
export type Options = Connection & {
  /**
   * What all keys of the store begin with, in braces (default `effect-session`): 1 to 64 letters, digits and `_`, `-`, `.`, `:`. In
   * a cluster a store's keys are in one slot, so on one node; stores with other prefixes may be on other nodes.
   */
  readonly prefix?: string | undefined
  /** How long the store keeps a session that has ended, without its payload (default 0). */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/** The server that the options name, and the prefix. */
export const serverOf = (
  options: Exclude<Options, { readonly send: unknown }>
): Effect.Effect<Named, SessionConfigError> => {
  if ("url" in options) {
    const url = typeof options.url === "string" ? Redacted.make(options.url) : options.url
    const { prefix, tls } = options
    return Effect.flatMap(serverOfUrl("url", url), (named) =>
      Effect.map(withTls(named.server, tls), (server) => ({
        server,
        prefix: prefix ?? named.prefix
      }))
    )
  }
  if ("sentinel" in options) {
    const { nodes, ...sentinel } = options.sentinel
    return checked("sentinel", { ...options, nodes: nodes.map(nodeAt(26379)), sentinel })
  }
  if ("cluster" in options) {
    const { cluster, ...credentials } = options
    return checked("cluster", {
      ...credentials,
      nodes: cluster.map(nodeAt(6379)),
      isCluster: true
    })
  }
  return checked("host", { ...options, nodes: [nodeAt(6379)(options)] })
}

const withTls = (
  server: Server,
  tls: ConnectionOptions | undefined
): Effect.Effect<Server, SessionConfigError> => {
  if (tls === undefined) return Effect.succeed(server)
  if (server.tls !== true) {
    return new SessionConfigError({
      field: "tls",
      reason: "needs a URL that begins with rediss://."
    })
  }
  const { sentinel } = server
  return Effect.succeed({ ...server, tls, sentinel: sentinel && { ...sentinel, tls } })
}

const nodeAt =
  (defaultPort: number) =>
  ({ host, port = defaultPort }: Node) => ({ host, port })

const checked = (
  field: string,
  server: Server & { readonly prefix?: string | undefined }
): Effect.Effect<Named, SessionConfigError> => {
  const isAddress = ({ host, port }: Node) =>
    host !== "" && Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536
  return server.nodes.length > 0 && server.nodes.every(isAddress)
    ? Effect.succeed({ server, prefix: server.prefix })
    : new SessionConfigError({ field, reason: "must name a host and a port from 1 to 65535." })
}

/** What all keys of the store begin with: the braces put them into one slot of a cluster. */
export const baseOf = (prefix = defaultPrefix): Effect.Effect<string, SessionConfigError> =>
  prefixes.test(prefix)
    ? Effect.succeed(`{${prefix}}`)
    : new SessionConfigError({
        field: "prefix",
        reason: "must be 1 to 64 letters, digits and _, -, ., :."
      })
