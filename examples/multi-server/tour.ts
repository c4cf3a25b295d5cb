/** A tour of the example. Each line it prints is what the pages showed. */
import type { Cluster } from "./cluster.js"
import { makeVisitor } from "./visitor.js"

/** Logs in, fills a cart, kills one server, and ends a session from the admin page. Reports each step. */
export const tour = async (cluster: Cluster, tell: (line: string) => void): Promise<void> => {
  const ada = makeVisitor(cluster.url)
  const first = await ada.look()
  tell(`Server ${first.server} made a guest's page.`)

  await ada.send("/login", { user: "ada" })
  await ada.look()
  const loggedIn = await ada.look()
  tell(`Ada logged in. Server ${loggedIn.server} shows the user ${loggedIn.user}.`)

  await ada.send("/cart", { item: "apple" })
  await ada.look()
  await ada.send("/cart", { item: "pear" })
  const shopped = await ada.look()
  tell(`Ada added two items. Server ${shopped.server} shows ${shopped.cart.join(" and ")}.`)

  await cluster.kill("one")
  const survived = await ada.look()
  tell(`Server one was killed. Server ${survived.server} still shows the user ${survived.user}.`)

  const admin = makeVisitor(cluster.url)
  const { sessions } = await admin.look("/admin")
  const hers = sessions.find(({ who }) => who === "ada")
  await admin.send("/admin/revoke", { id: hers?.id ?? "" })
  const after = await ada.look()
  tell(
    `Her session was ended from the admin page. Server ${after.server} shows ${after.user ?? "a guest"}.`
  )
}
