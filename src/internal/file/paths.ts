/** The names and paths of the files of the filesystem store. A text that is not an id never becomes part of a path. */

/** What the name of a file in a shard says. `id` is that of the session; for `previous`, its previous id. */
export type Name =
  | { readonly kind: "session"; readonly id: string }
  | { readonly kind: "pending" | "previous" | "lock"; readonly id: string }
  | { readonly kind: "temporary"; readonly nonce: string }

/** A file in a shard. */
export type NamedFile = Name & { readonly path: string }

const shardPattern = /^[0-9a-f]{2}$/
const namePattern =
  /^(?:(sess|next|prev|lock)_([0-9a-f]{40})(?:\.[0-9]{1,20})?|tmp_([0-9a-f]{32})_[0-9a-f]{40})$/
const kinds = { sess: "session", next: "pending", prev: "previous", lock: "lock" } as const

/** True for the name of a shard: the directory of all ids that begin with it. */
export const isShard = (name: string): boolean => shardPattern.test(name)

/** Reads the name of a file in a shard; `undefined` when the store makes no such name. */
export const parseName = (name: string): Name | undefined => {
  const [, prefix, id, nonce] = namePattern.exec(name) ?? []
  if (nonce !== undefined) return { kind: "temporary", nonce }
  // The pattern admits these four prefixes only.
  const kind = kinds[prefix as keyof typeof kinds]
  if (kind === undefined || id === undefined) return undefined
  return kind === "lock" || name.length === 45 ? { kind, id } : undefined
}

/** The paths of one store. Callers check ids with `isId` first. */
export class Paths {
  constructor(readonly directory: string) {}

  shard(id: string): string {
    return `${this.directory}/${id.slice(0, 2)}`
  }
  /** The session itself. For a moment after a move: a stub that names the new id. */
  session(id: string): string {
    return `${this.shard(id)}/sess_${id}`
  }
  /** A session that is being moved to this id. It counts as soon as the stub of the old id names it. */
  pending(id: string): string {
    return `${this.shard(id)}/next_${id}`
  }
  /** A pointer: it names the session that a previous id belongs to. */
  previous(id: string): string {
    return `${this.shard(id)}/prev_${id}`
  }
  lock(id: string): string {
    return `${this.shard(id)}/lock_${id}`
  }
  temporary(id: string, nonce: string): string {
    return `${this.shard(id)}/tmp_${nonce}_${id}`
  }
  /** Says which process a store is in. Each lock that the store takes is a hard link of this file. */
  holder(nonce: string): string {
    return `${this.directory}/holder_${nonce}`
  }
}
