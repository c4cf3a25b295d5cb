/** Starts `bench/server.ts` as a process of its own. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

export interface ServerProcess {
  readonly port: number
  readonly cpuMicros: () => Promise<number>
  readonly stop: () => Promise<void>
}

const script = fileURLToPath(new URL("../server.ts", import.meta.url))

export const startServer = async (env: Record<string, string>): Promise<ServerProcess> => {
  const child = fork(script, [], {
    execArgv: [...process.execArgv, ...(process.env.BENCH_NODE_OPTIONS?.split(" ") ?? [])],
    env: { ...process.env, ...env }
  })
  const message = (): Promise<Record<string, number>> =>
    new Promise((resolve, reject) => {
      const stopped = () => reject(new Error("The server stopped."))
      child.once("exit", stopped)
      child.once("message", (answer: Record<string, number>) => {
        child.off("exit", stopped)
        resolve(answer)
      })
    })
  const { port = 0 } = await message()
  return {
    port,
    cpuMicros: async () => {
      const answer = message()
      child.send("cpu")
      return (await answer).cpuMicros ?? Number.NaN
    },
    stop: async () => {
      const exited = once(child, "exit")
      child.kill("SIGTERM")
      await exited
    }
  }
}
