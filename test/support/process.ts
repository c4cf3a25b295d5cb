/** Small means for tests that start servers. */
import { type ChildProcess, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtemp } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject()
      )
    })
  })

export const temporaryDirectory = (name: string): Promise<string> =>
  mkdtemp(join(tmpdir(), `effect-session-${name}-`))

export const pause = (millis: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, millis))

/** Tries until `attempt` succeeds, at most so long. */
export const eventually = async <A>(attempt: () => Promise<A>, millis = 30_000): Promise<A> => {
  const end = Date.now() + millis
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > end) throw error
      await pause(50)
    }
  }
}

export const isOnPath = (command: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${command}`]).status === 0

/** Ends a process that this test started, and waits for its end. */
export const endProcess = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill(signal)
  await ended
}
