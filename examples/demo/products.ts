/** What the shop sells. Prices are in cents. */
export interface Product {
  readonly id: string
  readonly name: string
  readonly about: string
  readonly cents: number
  readonly color: string
  /** The SVG path of a line drawing, 24 by 24. */
  readonly drawing: string
}

/** The products, in the order of the page. */
export const products: ReadonlyArray<Product> = [
  {
    id: "mug",
    name: "Enamel mug",
    about: "Survives the campfire, the sink and the floor.",
    cents: 1400,
    color: "#f3c9a5",
    drawing: "M5 6h11v11a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3zM16 9h2a2.5 2.5 0 0 1 0 6h-2M8 3v1M12 2v2"
  },
  {
    id: "lamp",
    name: "Brass lamp",
    about: "A warm light for a desk that works late.",
    cents: 6900,
    color: "#f2dd96",
    drawing: "M9 3h6l3 9H6zM12 12v8M8 21h8"
  },
  {
    id: "notebook",
    name: "Field notebook",
    about: "96 pages of paper that takes ink in the rain.",
    cents: 950,
    color: "#b9d8c2",
    drawing: "M6 3h12v18H6zM9 3v18M12 8h3M12 12h3M4 7h3M4 12h3M4 17h3"
  },
  {
    id: "kettle",
    name: "Pour-over kettle",
    about: "A thin spout and a steady hand.",
    cents: 4800,
    color: "#b8d3e6",
    drawing: "M7 9h9l2 11H5zM9 9V7h5v2M11.500 7V5M7 13l-4-4M16 9c4-2 5 1 4 6l-2.500 2"
  },
  {
    id: "plant",
    name: "Rubber plant",
    about: "Forgives two weeks without water.",
    cents: 2600,
    color: "#c6dfa9",
    drawing:
      "M7 15h10l-1.500 6h-7zM12 15V8M12 10c-5 0-6-3-6-6 4 0 6 2 6 6zM12 12c4 0 6-2 6-6-4 0-6 2-6 6z"
  },
  {
    id: "kite",
    name: "Paper kite",
    about: "Comes with 30 metres of string and no excuses.",
    cents: 1900,
    color: "#e6bfd2",
    drawing: "M13 2l6 7-6 8-6-8zM13 2v15M7 9h12M13 17c-1 3-3 1-4 3s-2 1-4 2"
  }
]

/** Finds a product by its id. */
export const productOf = (id: string): Product | undefined =>
  products.find((product) => product.id === id)

/** A price as the page shows it. */
export const money = (cents: number): string => `€ ${(cents / 100).toFixed(2)}`
