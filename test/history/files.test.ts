import { historyOf } from "./suite.js"

historyOf("files")
