import { compare } from "./compare.js";

let event: object;
try {
  event = { kind: "result", result: await compare() };
} catch (error) {
  event = { kind: "failure", text: String(error) };
}
await fetch("/events", { method: "POST", body: JSON.stringify([event]) });
