/**
 * Waiting without burning a core: Dawn in Node polls while a promise is pending. So sleep first for most of what the last wait of
 * its kind took, and only then ask.
 */
const SHARE = 0.8;
const SHORTEST_SLEEP_MS = 4;

export function createPatience(): <T>(wait: () => Promise<T>) => Promise<T> {
  let usualMs = 0;
  return async (wait) => {
    const start = performance.now();
    const sleepMs = usualMs * SHARE;
    if (sleepMs >= SHORTEST_SLEEP_MS) await new Promise((resolve) => setTimeout(resolve, sleepMs));
    const result = await wait();
    const tookMs = performance.now() - start;
    // Waits of different kinds take turns: never sleep past what the shorter ones need.
    usualMs = Math.min(tookMs, 2 * usualMs + SHORTEST_SLEEP_MS);
    return result;
  };
}
