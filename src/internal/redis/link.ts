/**
 * The store's connection, which comes back by itself. A call that comes while the first attempt to come back is made waits for it;
 * once an attempt has failed, calls fail at once until one succeeds.
 *
 * Nothing is sent twice: what was sent before the connection was lost fails, because the server may have done it. Only what
 * the server says it did not do, because another node has the slot, is sent to that node.
 */
import type { Pending } from "./deadlines.js"
import type { Server } from "./model.js"
import { type Client, connectedMaster, destroy, locator } from "./server.js"

const longestPauseMillis = 500

interface Waiter {
  readonly go: (client: Client) => void
  readonly fail: (error: unknown) => void
}

/** A connection to a server. */
export class Link {
  private client: Client | undefined
  private waiting: Array<Waiter> = []
  /** Why the latest attempt failed; `undefined` while there is hope. */
  private failure: { readonly error: unknown } | undefined
  private isClosed = false
  private readonly locate: ReturnType<typeof locator>

  constructor(
    private readonly server: Server,
    slotKey: string
  ) {
    this.locate = locator(server, slotKey)
  }

  /** Connects. Fails if the first attempt does. */
  async open(): Promise<void> {
    await this.connect()
  }

  /** Closes the connection when the calls that were sent have their answers. */
  async close(): Promise<void> {
    this.isClosed = true
    this.failAll(closed())
    await this.client?.close().catch(() => {})
  }

  /** Sends a command, unless its time is over before it can be sent. */
  readonly send = (args: ReadonlyArray<string>, call: Pending): Promise<unknown> =>
    this.client !== undefined
      ? this.client.sendCommand(args)
      : this.comesBack().then((client) => {
          if (call.isOver) throw new Error("The time of the call was over before it was sent.")
          return client.sendCommand(args)
        })

  /** Learns from what the server said. True if it did nothing, because another node has the slot: the call may be sent again. */
  readonly mayRepeat = (failure: unknown): boolean => {
    const said = failure instanceof Error ? failure.message : ""
    const hasMoved = said.startsWith("MOVED ")
    if (hasMoved || /^(READONLY|MASTERDOWN|CLUSTERDOWN)\b/.test(said)) this.lose(this.client)
    return hasMoved
  }

  /** Gives the connection up: the other side may be gone without a word, and another server may have taken its place. */
  readonly suspect = (): void => this.lose(this.client)

  private comesBack(): Promise<Client> {
    if (this.isClosed) return Promise.reject(closed())
    if (this.failure !== undefined) return Promise.reject(this.failure.error)
    return new Promise((go, fail) => this.waiting.push({ go, fail }))
  }

  private async connect(): Promise<void> {
    const client = await connectedMaster(await this.locate(), this.server)
    if (this.isClosed) return destroy(client)
    const lose = () => this.lose(client)
    client.on("error", lose).on("end", lose)
    this.client = client
    this.failure = undefined
    const waiting = this.waiting
    this.waiting = []
    for (const { go } of waiting) go(client)
  }

  private lose(client: Client | undefined): void {
    if (client === undefined || client !== this.client) return
    this.client = undefined
    destroy(client)
    if (!this.isClosed) void this.reconnect()
  }

  private async reconnect(): Promise<void> {
    for (let attempts = 0; !this.isClosed && this.client === undefined; attempts++) {
      try {
        await this.connect()
      } catch (error) {
        this.failure = { error }
        this.failAll(error)
        await pauseAfter(attempts)
      }
    }
  }

  private failAll(error: unknown): void {
    const waiting = this.waiting
    this.waiting = []
    for (const { fail } of waiting) fail(error)
  }
}

const closed = () => new Error("The session store is closed.")

/** Waits longer after each attempt, and not as long as other servers do. */
const pauseAfter = (attempts: number): Promise<void> => {
  const most = Math.min(longestPauseMillis, 25 * 2 ** attempts)
  const millis = most * (0.5 + Math.random() / 2)
  return new Promise((resolve) => setTimeout(resolve, millis))
}
