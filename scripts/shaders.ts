/**
 * shaders/*.wgsl -> src/shaders.gen.ts: the sources with what wgsl_reflect says of their bindings, uniform fields and constants,
 * `as const`, so that src/kernels/op.ts can check every dispatch at compile time and the library needs no fetch and no bundler plugin.
 * Usage: tsx scripts/shaders.ts
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WgslReflect, type MemberInfo } from "./wgsl-reflect.js";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface ReflectedShader {
  /** Buffers behind the uniform at binding 0, by binding. */
  readonly buffers: readonly { name: string; binding: number; access: "read" | "read_write"; elementBytes: number }[];
  readonly params: Readonly<Record<string, { type: string; offset: number }>>;
  readonly paramsBytes: number;
  /** `override` and top-level `const` scalars: what a pipeline may be specialised on. */
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
  for (const [, name, type] of code.matchAll(/^const ([A-Z][A-Z0-9_]*): (u32|i32|f32|bool) = /gm))
    constants[name!] = { kind: "const", type: type! };
  return { buffers, params, paramsBytes: Math.ceil(uniform!.size / 16) * 16, constants, code };
}

function typeName(member: MemberInfo): string {
  return member.type.name === "array" ? `array<${member.type.format!.name},${member.type.count}>` : member.type.name;
}

function main(): void {
  const files = readdirSync(join(root, "shaders"))
    .filter((f) => f.endsWith(".wgsl"))
    .sort();
  const entries = files.map((file) => {
    const shader = reflectShader(file, readFileSync(join(root, "shaders", file), "utf8"));
    return `  ${JSON.stringify(basename(file, ".wgsl"))}: ${JSON.stringify(shader)},`;
  });
  writeFileSync(
    join(root, "src/shaders.gen.ts"),
    `// Made by scripts/shaders.ts from shaders/*.wgsl. Not to be edited.\nexport const SHADERS = {\n${entries.join("\n")}\n} as const;\n`,
  );
  console.log(`shaders: ${files.length} embedded`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
