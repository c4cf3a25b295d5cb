import { postgres } from "../sql/servers.js"
import { runOn } from "./database.js"

runOn(postgres)
