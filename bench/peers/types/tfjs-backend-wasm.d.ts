/** Of @tensorflow/tfjs-backend-wasm, what is used here: types are checked whether or not it is installed. */

export function setWasmPaths(folder: string): void;
export function setThreadsCount(threads: number): void;
export function getThreadsCount(): number;
