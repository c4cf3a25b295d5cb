/** The stores the servers can be started with: one line for each. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Layer from "effect/Layer"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as SessionStore from "../../src/SessionStore.js"

const stores: Readonly<
  Record<string, (argument: string) => Layer.Layer<SessionStore.SessionStore, unknown>>
> = {
  memory: () => SessionStore.layerMemory,
  files: (directory) =>
    Layer.provide(FileSystemSessionStore.layer({ directory }), NodeContext.layer)
}

export const storeOf = (name: string, argument: string) => {
  const store = stores[name]
  if (store === undefined) throw new Error(`There is no store named ${name}.`)
  return Layer.orDie(store(argument))
}
