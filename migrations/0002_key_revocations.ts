/**
 * Gives the table `sessions_revocations` a primary key if it has none, as versions before this migration made it. Its rows
 * stay.
 */
import * as SqlSessionStore from "../src/SqlSessionStore.js"

export default SqlSessionStore.migrations["0002_key_revocations"]
