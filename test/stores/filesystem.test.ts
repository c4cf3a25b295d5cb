import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"

/** The store in a directory of its own, which goes when the layer does. */
const temporary = (options?: Partial<FileSystemSessionStore.Options>) =>
  Layer.unwrapScoped(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-session-"))),
        (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
      ),
      (directory) => FileSystemSessionStore.layer({ directory, ...options })
    )
  ).pipe(Layer.provide(NodeContext.layer))

SessionStoreTest.suite("filesystem", temporary(), {
  layerKeeping7Days: temporary({ keepEnded: "7 days" })
})

SessionStoreTest.suite("filesystem without fsync", temporary({ fsync: false }), {
  layerKeeping7Days: temporary({ fsync: false, keepEnded: "7 days" })
})
