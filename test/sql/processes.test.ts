import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { onEach, sqlite, withClient } from "./servers.js"

const worker = fileURLToPath(new URL("./migrateWorker.ts", import.meta.url))

const inProcess = async (url: string, mode: "migrate" | "folder"): Promise<unknown> => {
  const args = ["--import", "tsx", worker, url, mode]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

onEach([sqlite], (kind, aDatabase) => {
  test("processes that migrate one file at once all succeed", {
    timeout: 120_000
  }, async () => {
    const url = await aDatabase()
    // The first to come would else change the file to WAL while others open it, which is the driver's affair.
    await withClient(kind, url, SqlSessionStore.migrateWith({ table: "other" }))

    const done = await Promise.all(Array.from({ length: 3 }, () => inProcess(url, "migrate")))

    expect(done.flat()).toEqual(["0001_create_sessions", "0002_key_revocations"])
  })

  test("the files in migrations/ run with the Migrator of @effect/sql", {
    timeout: 60_000
  }, async () => {
    const url = await aDatabase()

    const done = await inProcess(url, "folder")

    expect(done).toEqual([[1, "create_sessions"]])
    expect(await withClient(kind, url, SqlSessionStore.migrate)).toEqual([])
  })
})
