/** The drivers that can be had: those for MySQL and SQLite are not there for Effect 4.1. */
const drivers: Readonly<Partial<Record<Driver, Open>>> = { postgres }
