/**
 * shaders/*.wgsl, with the parts that they include (shader-parts.ts) -> src/shaders.gen.ts: the sources with what wgsl_reflect says of their
 * bindings, uniform fields and constants, `as const`, so that src/kernels/op.ts can check every dispatch at compile time and the library
 * needs no fetch and no bundler plugin.
 * Usage: tsx scripts/shaders.ts
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expandParts, partsOf } from "./shader-parts.js";
import { WgslReflect, type MemberInfo } from "./wgsl-reflect.js";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface ReflectedShader {
  /** Buffers behind the uniform at binding 0, by binding. */
  readonly buffers: readonly { name: string; binding: number; access: "read" | "read_write"; elementBytes: number }[];
  readonly params: Readonly<Record<string, { type: string; offset: number }>>;
  readonly paramsBytes: number;
  /** `override` and top-level `const` scalars that are given as literals: what a pipeline may be specialised on. */
  readonly constants: Readonly<Record<string, { kind: "override" | "const"; type: string }>>;
  readonly code: string;
}

/** Throws, naming the file, where a shader breaks the conventions of docs/kernels.md. */
export function reflectShader(file: string, code: string): ReflectedShader {
  const fail = (why: string): never => {
    throw new Error(`shaders/${file}: ${why}`);
  };
  if (!code.startsWith("// ")) fail("starts with a one-sentence comment on what it computes, its shapes and its grid");
  const reflect = new WgslReflect(code);
  if (reflect.entry.compute.length !== 1 || reflect.entry.compute[0]!.name !== "main") fail("has one entry point, `main`");
  const uniform = reflect.uniforms[0];
  if (reflect.uniforms.length !== 1 || uniform?.binding !== 0 || uniform.name !== "params")
    fail("has one uniform, `params`, at binding 0");
  const buffers = [...reflect.storage]
    .sort((a, b) => a.binding - b.binding)
    .map((s) => ({
      name: s.name,
      binding: s.binding,
      access: s.access as "read" | "read_write",
      elementBytes: s.type.format?.size ?? s.type.size,
    }));
  buffers.forEach((b, i) => b.binding === i + 1 || fail(`buffer ${b.name} is at binding ${b.binding}, expected ${i + 1}`));
  const params = Object.fromEntries(
    (uniform!.members ?? []).map((m: MemberInfo) => [m.name, { type: typeName(m), offset: m.offset }]),
  );
  const constants: Record<string, { kind: "override" | "const"; type: string }> = {};
  for (const o of reflect.overrides) constants[o.name] = { kind: "override", type: o.type?.name ?? "u32" };
  for (const [, name, type] of code.matchAll(/^const ([A-Z][A-Z0-9_]*): (u32|i32|f32|bool) = (?:-?\d[\w.-]*|true|false);/gm))
    constants[name!] = { kind: "const", type: type! };
  return { buffers, params, paramsBytes: Math.ceil(uniform!.size / 16) * 16, constants, code };
}

function typeName(member: MemberInfo): string {
  return member.type.name === "array" ? `array<${member.type.format!.name},${member.type.count}>` : member.type.name;
}

/** Texts of a folder's .wgsl files by name, sorted. */
function sources(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(join(root, folder))
    .filter((f) => f.endsWith(".wgsl"))
    .sort();
  return new Map(files.map((file) => [basename(file, ".wgsl"), readFileSync(join(root, folder, file), "utf8")]));
}

function main(): void {
  const [shaders, parts] = [sources("shaders"), sources("shaders/parts")];
  const used = new Set([...shaders.values()].flatMap(partsOf));
  for (const name of parts.keys()) if (!used.has(name)) throw new Error(`shaders/parts/${name}.wgsl: no shader includes it`);
  const entries = [...shaders].map(([name, text]) => {
    const file = `${name}.wgsl`;
    return `  ${JSON.stringify(name)}: ${JSON.stringify(reflectShader(file, expandParts(file, text, parts)))},`;
  });
  writeFileSync(
    join(root, "src/shaders.gen.ts"),
    `// Made by scripts/shaders.ts from shaders/. Not to be edited.\nexport const SHADERS = {\n${entries.join("\n")}\n} as const;\n`,
  );
  console.log(`shaders: ${shaders.size} embedded, with ${parts.size} parts`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
