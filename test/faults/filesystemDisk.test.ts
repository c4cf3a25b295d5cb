/** A server on files whose disk is full, forbidden, out of descriptors, broken or gone: X3, X4, X5, X6 and X9. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { visited } from "./support/claims.js"
import { aSmallDisk, asNobody, itWith, nobodyId } from "./support/machine.js"
import { counted, refused, startServer } from "./support/server.js"

const aDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-faults-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const filesIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true }).map(String)

const sessionsIn = (directory: string): ReadonlyArray<string> =>
  filesIn(directory).filter((name) => name.includes("sess_"))

describe("a server on files", () => {
  itWith("tmpfs")(
    "X3 refuses writes with 503 while the disk is full, reads on, and writes again when there is room",
    async () => {
      const disk = aSmallDisk(256)
      const server = await startServer({ directory: join(disk, "sessions") })
      const client = await visited(server.client())
      fill(join(disk, "filler"))

      const writing = await client.send("/increment")
      const beginning = await server.client().send("/increment")
      const reading = await client.send("/read")
      const left = filesIn(disk).filter((name) => name.includes("tmp_"))
      rmSync(join(disk, "filler"))

      expect(writing).toMatchObject(refused)
      expect(beginning).toMatchObject(refused)
      expect(reading).toMatchObject(counted(1))
      expect(left).toEqual([])
      expect(await client.send("/increment")).toMatchObject(counted(2))
    }
  )

  itWith("setpriv")(
    "X4 refuses writes with 503 while its directory may not be written to, and reads on",
    async () => {
      const directory = aDirectory()
      chownSync(directory, nobodyId, nobodyId)
      const server = await startServer({ directory }, asNobody)
      const client = await visited(server.client())
      const shard = join(directory, sessionsIn(directory)[0]?.slice(0, 2) ?? "")
      chmodSync(shard, 0o500)

      const writing = await client.send("/increment")
      const reading = await client.send("/read")
      chmodSync(shard, 0o700)

      expect(writing).toMatchObject(refused)
      expect(reading).toMatchObject(counted(1))
      expect(await client.send("/increment")).toMatchObject(counted(2))
    }
  )

  itWith("setpriv")(
    "X4 refuses the session whose file may not be read with 503, and no other",
    async () => {
      const directory = aDirectory()
      chownSync(directory, nobodyId, nobodyId)
      const server = await startServer({ directory }, asNobody)
      const client = await visited(server.client())
      const file = join(directory, sessionsIn(directory)[0] ?? "")
      const other = await visited(server.client())
      chmodSync(file, 0)

      const forbidden = await client.send("/read")
      const allowed = await other.send("/increment")
      chmodSync(file, 0o600)

      expect(forbidden).toMatchObject(refused)
      expect(allowed).toMatchObject(counted(2))
      expect(await client.send("/increment")).toMatchObject(counted(2))
    }
  )

  itWith("prlimit")(
    "X5 refuses with 503 while no file can be opened, and recovers when descriptors come back",
    async () => {
      const directory = aDirectory()
      const limited = ["prlimit", "--nofile=64"]
      const server = await startServer({ directory }, limited)
      const clients = await Promise.all(Array.from({ length: 5 }, () => visited(server.client())))
      const [first] = clients
      expect(await first?.send("/hog")).toMatchObject({ status: 200 })

      const exhausted = await Promise.all(
        clients.flatMap((client) => [client.send("/increment"), client.send("/read")])
      )
      await first?.send("/release")
      const recovered = await Promise.all(clients.map((client) => client.send("/increment")))

      expect(exhausted).toEqual(exhausted.map(() => expect.objectContaining(refused)))
      expect(recovered).toMatchObject(clients.map(() => counted(2)))
    }
  )

  itWith("strace")(
    "X6 acknowledges no write that fsync failed for, and keeps the old state",
    async () => {
      const directory = aDirectory()
      const tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]
      const broken = ["-e", "inject=fsync,fdatasync:error=EIO:when=2+"]
      const server = await startServer({ directory }, [...tracer, ...broken])
      const client = await visited(server.client())

      const writing = await client.send("/increment")
      const beginning = await server.client().send("/increment")

      expect(writing).toMatchObject(refused)
      expect(beginning).toMatchObject(refused)
      expect(await client.send("/read")).toMatchObject(counted(1))
      expect(sessionsIn(directory)).toHaveLength(1)
    }
  )

  it("X9 refuses with 503 while its directory is gone, and recovers when it is made again", async () => {
    const directory = aDirectory()
    const server = await startServer({ directory })
    const client = await visited(server.client())
    rmSync(directory, { recursive: true })

    const gone = [
      await client.send("/read"),
      await client.send("/increment"),
      await server.client().send("/increment")
    ]
    mkdirSync(directory, { mode: 0o700 })
    const after = await server.client().send("/increment")

    expect(gone).toMatchObject([refused, refused, refused])
    expect(after).toMatchObject(counted(1))
  })
})

/** Writes until nothing more fits. */
const fill = (path: string): void => {
  for (const size of [4096, 512, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: "a" })
    } catch {
      // Full, for pieces of this size.
    }
  }
}
