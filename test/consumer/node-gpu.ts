import { compare } from "./compare.js";

try {
  console.log(JSON.stringify(await compare()));
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
