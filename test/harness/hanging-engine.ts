/** A peer that never comes back: for tests of what the benchmark does then. */
import { serveEngine } from "../../bench/session.js";

export const main = serveEngine({
  hangs: {
    webgpu: false,
    cannot: () => null,
    open: () => Promise.resolve("hangs at its first run"),
    prepare() {
      for (;;);
    },
  },
});
