/** The example of tests: they run as they stand there. */
import "../../examples/testing/app.test.js"
