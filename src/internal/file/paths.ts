/** Names and places of the files of the filesystem store. No path is ever made of a text that is not an id. */

/** What a name in a shard stands for; the id is that of the session (`previous`: the retired id). */
export type Name =
  | { readonly kind: "session" | "pending" | "previous"; readonly id: string }
  | { readonly kind: "lock"; readonly id: string }
  | { readonly kind: "temporary"; readonly nonce: string }

const shardPattern = /^[0-9a-f]{2}$/
const namePattern =
  /^(?:(sess|next|prev|lock)_([0-9a-f]{40})(?:\.[0-9]{1,20})?|tmp_([0-9a-f]{32})_[0-9a-f]{40})$/
const kinds = { sess: "session", next: "pending", prev: "previous", lock: "lock" } as const

/** True for the name of a directory that holds the ids beginning with it. */
export const isShard = (name: string): boolean => shardPattern.test(name)

/** Tells what a name in a shard stands for; `undefined` for a file that is none of the store's. */
export const parseName = (name: string): Name | undefined => {
  const [, prefix, id, nonce] = namePattern.exec(name) ?? []
  if (nonce !== undefined) return { kind: "temporary", nonce }
  // The pattern admits these four prefixes only.
  const kind = kinds[prefix as keyof typeof kinds]
  if (kind === undefined || id === undefined) return undefined
  return kind === "lock" || name.length === 45 ? { kind, id } : undefined
}

/** The paths of one store; the ids given to it have passed `isId`. */
export class Paths {
  constructor(readonly directory: string) {}

  shard(id: string): string {
    return `${this.directory}/${id.slice(0, 2)}`
  }
  /** The session itself, or for an instant after a move a stub that names the new id. */
  session(id: string): string {
    return `${this.shard(id)}/sess_${id}`
  }
  /** A session that is being moved to this id: it is one as soon as the old id's file says so. */
  pending(id: string): string {
    return `${this.shard(id)}/next_${id}`
  }
  /** Names the session a retired id belongs to. */
  previous(id: string): string {
    return `${this.shard(id)}/prev_${id}`
  }
  lock(id: string): string {
    return `${this.shard(id)}/lock_${id}`
  }
  temporary(id: string, nonce: string): string {
    return `${this.shard(id)}/tmp_${nonce}_${id}`
  }
  /** Tells which process has a lock: every lock it takes is a hard link of this file. */
  holder(nonce: string): string {
    return `${this.directory}/holder_${nonce}`
  }
}
