/**
 * Shader source -> source for one pipeline. Numbers that WGSL lets a pipeline override are overridden; named `const` lines are
 * rewritten here, where the language forbids overrides (sizes of function-scope arrays, bounds of loops to unroll), and so are buffers that
 * hold f16.
 */
import { dropDeadBranches } from "./branches.js";
import { withHalves } from "./halves.js";
import { unrollLoops } from "./unroll.js";

export interface ShaderSource {
  readonly code: string;
  readonly constants: Readonly<Record<string, { readonly kind: "override" | "const"; readonly type: string }>>;
}

export interface Specialized {
  readonly code: string;
  readonly overrides: Readonly<Record<string, number>>;
}

/** `halves`: buffers that hold f16. Throws where a constant or a buffer is not one of the shader's: our own bug, so a plain Error. */
export function specialize(
  shader: ShaderSource,
  constants: Readonly<Record<string, number | boolean>>,
  halves: readonly string[] = [],
): Specialized {
  const overrides: Record<string, number> = {};
  let { code } = shader;
  for (const [name, value] of Object.entries(constants)) {
    const declared = shader.constants[name];
    if (!declared) throw new Error(`specialize: the shader has no constant ${name}`);
    if (declared.kind === "override") overrides[name] = Number(value);
    else
      code = code.replace(new RegExp(`^(const ${name}: ${declared.type} = )[^;]*;`, "m"), `$1${literal(value, declared.type)};`);
  }
  return { code: unrollLoops(dropDeadBranches(withHalves(code, halves))), overrides };
}

function literal(value: number | boolean, type: string): string {
  if (type === "bool") return value ? "true" : "false";
  if (type === "f32") return Number.isInteger(value) ? `${Number(value)}.0` : String(value);
  return type === "u32" ? `${Number(value)}u` : String(Number(value));
}
