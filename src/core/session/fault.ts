/**
 * Why an operation does not fit: returned by `core` instead of thrown, and turned into an error by its callers.
 *
 * `busy` says that another request holds the session's lock. `reason` is the end of a sentence and never contains a stored
 * value.
 */
export class Fault {
  constructor(
    readonly kind: "key" | "encode" | "type" | "busy",
    readonly reason: string
  ) {}
}

/** True for a `Fault`. */
export const isFault = (value: unknown): value is Fault => value instanceof Fault
