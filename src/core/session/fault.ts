/**
 * A value that stands for "this operation does not fit", returned by the pure core instead of thrown.
 *
 * The edges turn it into `SessionKeyError`, `SessionEncodeError` or `SessionTypeError`. `reason` is the end of a
 * sentence and never contains a stored value.
 */
export class Fault {
  constructor(
    readonly kind: "key" | "encode" | "type",
    readonly reason: string
  ) {}
}

/** True for a `Fault`. */
export const isFault = (value: unknown): value is Fault => value instanceof Fault
