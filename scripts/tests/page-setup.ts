/** Puts mocha's browser build in place before the test files are loaded. */
import "mocha/mocha.js";
import { TEST_TIMEOUT_MS } from "./events.js";

declare const mocha: { setup(options: object): void };

mocha.setup({ ui: "bdd", timeout: TEST_TIMEOUT_MS, reporter: class {} });
