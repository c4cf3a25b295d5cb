/** What a Redis server is, before the store connects to it. */
import type { ConnectionOptions } from "node:tls"
import type * as Redacted from "effect/Redacted"

/** Who connects, and how. */
export interface Credentials {
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted<string> | undefined
  /** `true` for TLS with the system's certificates, or options of `node:tls`. */
  readonly tls?: boolean | ConnectionOptions | undefined
}

/** The address of a node. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A server, and how its address is found. */
export interface Server extends Credentials {
  /** The node itself, the Sentinels, or some nodes of the cluster. */
  readonly nodes: ReadonlyArray<Address>
  readonly database?: number | undefined
  readonly sentinel?: ({ readonly name: string } & Credentials) | undefined
  readonly isCluster?: boolean | undefined
}
