/** The little HTTP server behind a page: its bundle, static folders, what it starts with, and the events that it posts back. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import type { Bundle } from "./bundle.js";
import type { PageEvent, PageStart } from "./page.js";

export interface PageServer extends AsyncDisposable {
  /** localhost is a secure context, which WebGPU asks for. */
  readonly url: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".json": "application/json",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".wgsl": "text/plain; charset=utf-8",
};

/** What a page is served. */
export interface PageService {
  readonly bundle: Bundle;
  readonly start: PageStart;
  /** URL prefix, such as `/shared`, to folder. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly onEvent: (event: PageEvent) => void;
  /** The next message for the page, for each call. */
  readonly outbox: () => Promise<unknown>;
}

/** A page's `receive` is told "nothing yet" after so long: Firefox gives up a request after 300 s. */
const RECEIVE_MS = 60_000;

/** Listens on a free port of this machine only. */
export async function servePage({ bundle, start, mounts, onEvent, outbox }: PageService): Promise<PageServer> {
  const page = `<!doctype html><meta charset="utf-8"><title>fcn-webgpu</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`;

  let pending: Promise<unknown> | null = null;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    // Cross-origin isolation gives the page fine timers and SharedArrayBuffer.
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("cache-control", "no-store");
    response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
    if (path === "/") {
      response.setHeader("content-type", "text/html; charset=utf-8").end(page);
    } else if (path === "/start") {
      response.setHeader("content-type", "application/json").end(JSON.stringify(start));
    } else if (path === "/events" && request.method === "POST") {
      const events = JSON.parse(await readBody(request)) as PageEvent[];
      response.end();
      for (const event of events) onEvent(event);
    } else if (path === "/receive") {
      pending ??= outbox();
      const waited = await Promise.race([pending.then((message) => ({ message })), after(RECEIVE_MS)]);
      if (waited === null) return void response.writeHead(204).end();
      pending = null;
      response.setHeader("content-type", "application/json").end(JSON.stringify(waited));
    } else if (bundle.has(path)) {
      response.end(bundle.get(path));
    } else {
      await sendFile(path, mounts, response);
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Does not keep the process alive. */
async function after(ms: number): Promise<null> {
  return await new Promise((resolve) => setTimeout(resolve, ms, null).unref());
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

async function sendFile(path: string, mounts: Readonly<Record<string, string>>, response: ServerResponse): Promise<void> {
  for (const [prefix, folder] of Object.entries(mounts)) {
    if (!path.startsWith(`${prefix}/`)) continue;
    const file = normalize(join(folder, path.slice(prefix.length)));
    if (!file.startsWith(normalize(folder) + sep)) continue;
    const found = await stat(file).catch(() => null);
    if (!found?.isFile()) continue;
    response.setHeader("content-length", found.size);
    createReadStream(file).pipe(response);
    return;
  }
  response.writeHead(404).end(`no such file: ${path}`);
}
