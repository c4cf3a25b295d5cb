/** Prints what the edition lacks of the repository's files and tests, and why. */
import { leftOutFiles, leftOutTests, notTried } from "./selection.js"

const lines = [
  ...leftOutFiles.map(({ files, reason }) => `${files}: ${reason}`),
  ...leftOutTests.map(([file, test, reason]) => `${file} > ${test}: ${reason}`)
]
console.log(`left out    ${lines.length} files, folders and tests:`)
for (const line of lines) console.log(`  ${line}`)
console.log("not tried   the tests in:")
for (const line of notTried) console.log(`  ${line}`)
