import { historyOf } from "./suite.js"

historyOf("mariadb")
