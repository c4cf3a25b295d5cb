/**
 * Where the Redis server is: at an address, behind Sentinels that know which one is the master, or in a cluster.
 *
 * All keys of a store are in one slot, so in a cluster too one node serves all of them. That makes the three cases one: find the
 * address, connect, and find it again when the connection is lost or the node says that another one has the slot.
 */
import * as Redacted from "effect/Redacted"
import { createClient } from "redis"
import type { Address, Credentials, Server } from "./model.js"

/** A connection to a node. */
export type Client = ReturnType<typeof clientOf>

/** How long a connection may take to be made, in milliseconds; asking one node for an address takes as long at most. */
const connectMillis = 1000

/** More calls than that do not wait for a server that stands still. */
const mostWaiting = 100_000

const clientOf = (node: Address, { password, tls, username }: Credentials, database?: number) =>
  createClient({
    socket: {
      ...node,
      // A failed attempt ends; the next one asks again for the address.
      reconnectStrategy: false,
      connectTimeout: connectMillis,
      ...(tls === undefined || tls === false
        ? {}
        : { tls: true as const, ...(tls === true ? {} : tls) })
    },
    RESP: 2,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Redacted.value(password) }),
    ...(database === undefined || database === 0 ? {} : { database }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostWaiting,
    // Its own deadline ends when a command is sent, and would cost more than the command.
    commandOptions: { timeout: 0 }
  }).on("error", () => {})

/** Ends a connection. Some versions of the client fail to end one that has ended. */
export const destroy = (client: Client): void => {
  if (client.isOpen) client.destroy()
}

/** Connects to a node, and waits until it answers. */
const connected = async (
  node: Address,
  credentials: Credentials,
  database?: number
): Promise<Client> => {
  const client = clientOf(node, credentials, database)
  // A server that stands still accepts a connection and then says nothing.
  const timer = setTimeout(() => destroy(client), connectMillis)
  try {
    await client.connect()
    return client
  } finally {
    clearTimeout(timer)
  }
}

/** Asks a node one thing. */
const ask = async (
  node: Address,
  credentials: Credentials,
  question: ReadonlyArray<string>
): Promise<unknown> => {
  const client = await connected(node, credentials)
  const timer = setTimeout(() => destroy(client), connectMillis)
  try {
    return await client.sendCommand(question)
  } finally {
    clearTimeout(timer)
    destroy(client)
  }
}

/** Asks nodes until one gives an answer that can be used; fails with what the last one said. */
const askAny = async <A>(
  nodes: Iterable<Address>,
  credentials: Credentials,
  question: ReadonlyArray<string>,
  read: (answer: unknown, asked: Address) => A | undefined,
  none: string
): Promise<A> => {
  let failure: unknown
  for (const node of nodes) {
    try {
      const found = read(await ask(node, credentials, question), node)
      if (found !== undefined) return found
    } catch (error) {
      failure = error
    }
  }
  throw failure ?? new Error(none)
}

/** Makes the function that finds the address; `slotKey` is what the store's keys have in common. */
export const locator = (server: Server, slotKey: string): (() => Promise<Address>) => {
  const { isCluster = false, nodes, sentinel } = server
  if (sentinel !== undefined) {
    const question = ["SENTINEL", "get-master-addr-by-name", sentinel.name]
    const none = `No Sentinel knows a master named ${sentinel.name}.`
    return () => askAny(nodes, sentinel, question, masterIn, none)
  }
  const [only] = nodes
  if (only === undefined) throw new Error("There is no node to connect to.")
  return isCluster ? slotLocator(server, slotKey) : async () => only
}

const masterIn = (answer: unknown): Address | undefined => {
  if (!Array.isArray(answer)) return undefined
  const [host, port] = answer
  return { host: String(host), port: Number(port) }
}

const slotLocator = (server: Server, slotKey: string): (() => Promise<Address>) => {
  // What the cluster said last comes before what it was named with: nodes come and go.
  let known: ReadonlyArray<Address> = []
  let slot: number | undefined
  return async () => {
    const nodes = [...known, ...server.nodes]
    slot ??= await askAny(
      nodes,
      server,
      ["CLUSTER", "KEYSLOT", slotKey],
      (answer) => (typeof answer === "number" ? answer : undefined),
      "No node of the cluster answers."
    )
    const owner = slot
    return askAny(
      nodes,
      server,
      ["CLUSTER", "SLOTS"],
      (answer, asked) => {
        const ranges = rangesIn(answer, asked)
        known = ranges.flatMap(({ members }) => members)
        return ranges.find(({ first, last }) => first <= owner && owner <= last)?.members[0]
      },
      "No node of the cluster serves the store's slot."
    )
  }
}

interface Range {
  readonly first: number
  readonly last: number
  /** The master first. */
  readonly members: ReadonlyArray<Address>
}

/** Reads `CLUSTER SLOTS`. A node that does not know its own host leaves it out, and is the one that was asked. */
const rangesIn = (answer: unknown, asked: Address): ReadonlyArray<Range> =>
  listOf(answer).map((range) => {
    const [first, last, ...members] = listOf(range)
    return {
      first: Number(first),
      last: Number(last),
      members: members.map((member) => {
        const [host, port] = listOf(member)
        const isKnown = typeof host === "string" && host !== "" && host !== "?"
        return { host: isKnown ? host : asked.host, port: Number(port) }
      })
    }
  })

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** Connects to a node that must be a master: a replica may lag behind, and takes no writes. */
export const connectedMaster = async (node: Address, server: Server): Promise<Client> => {
  const client = await connected(node, server, server.database)
  try {
    if (roleIn(await answerTo(client, ["HELLO"])) === "replica") throw new ReplicaError()
    return client
  } catch (error) {
    destroy(client)
    throw error
  }
}

/** What the server that has the keys says of itself. */
export const infoOf = async (server: Server, slotKey: string): Promise<string> =>
  String(await ask(await locator(server, slotKey)(), server, ["INFO"]))

const answerTo = async (client: Client, command: ReadonlyArray<string>): Promise<unknown> => {
  const timer = setTimeout(() => destroy(client), connectMillis)
  try {
    return await client.sendCommand(command)
  } finally {
    clearTimeout(timer)
  }
}

/** What the pairs of an answer to `HELLO` say of the role. */
const roleIn = (answer: unknown): unknown => {
  const pairs = listOf(answer)
  return pairs[pairs.indexOf("role") + 1]
}

/** The server is a replica. */
export class ReplicaError extends Error {
  override readonly name = "ReplicaError"
  constructor() {
    super(
      "READONLY The server is a replica. Sessions are read from and written to the master only."
    )
  }
}
