import { lacksMariadb } from "../support/mariadb.js"
import { mariadbPlace } from "./places.js"
import { suites } from "./suites/index.js"

suites("MariaDB", mariadbPlace, lacksMariadb)
