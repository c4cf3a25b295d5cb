/**
 * Creates the tables of `SqlSessionStore`, under their default names. `SqlSessionStore.migrate` runs the same statements; the
 * files beside this one hold them as SQL, one a database, for people who paste.
 */
import * as SqlSessionStore from "../src/SqlSessionStore.js"

export default SqlSessionStore.migrations["0001_create_sessions"]
