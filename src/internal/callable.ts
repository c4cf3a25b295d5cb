/** A layer that is also the function that makes it with options. */
import * as Layer from "effect/Layer"

/**
 * Makes `make` a layer as well: the one that it gives without options.
 *
 * The function inherits everything from that layer, as the class of a tag inherits from the tag.
 */
export const callable = <Options, A, E, R>(
  make: (options?: Options) => Layer.Layer<A, E, R>
): Layer.Layer<A, E, R> & ((options?: Options) => Layer.Layer<A, E, R>) =>
  // Untyped by the platform: a function that inherits from a layer is both.
  Object.setPrototypeOf((options?: Options) => make(options), Layer.suspend(make))
