/** The contract over real sockets: one process that keeps its sessions in memory. */
import { groups } from "./cases/index.js"
import { runCases } from "./harness.js"
import { known } from "./known.js"

runCases(() => ({ store: "memory", argument: "", nodes: 1 }), groups, known)
