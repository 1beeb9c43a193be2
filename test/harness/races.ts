/** wgsl_reflect's race detector on one dispatch of ours: all invocations of a workgroup in lockstep, every unordered pair of accesses reported. */
import { specialize } from "../../src/gpu/specialize.js";
import { paramsBytes, shaderOf, writeParams } from "../../src/graph/bind.js";
import type { Dispatch } from "../../src/kernels/op.js";
import { detectRaces } from "../../scripts/wgsl-reflect.js";

/** The source that a dispatch runs, with overrides as constants: the detector cannot size workgroup arrays by overrides. */
export function sourceOf(dispatch: Dispatch): string {
  const { code, overrides } = specialize(shaderOf(dispatch.shader), dispatch.constants);
  return code.replace(/^override (\w+): (\w+) = ([^;]+);/gm, (_line, name: string, type: string, value: string) => {
    const given = overrides[name];
    const text = given === undefined ? value : type === "bool" ? String(given !== 0) : String(given);
    return `const ${name}: ${type} = ${text};`;
  });
}

/** What was found, as text; empty when there is no race. `buffers`, by name, are run on and hold the results afterwards. */
export function racesIn(
  dispatch: Dispatch,
  buffers: Readonly<Record<string, ArrayBuffer>>,
  code: string = sourceOf(dispatch),
): string[] {
  const uniform = new ArrayBuffer(paramsBytes(dispatch));
  writeParams(dispatch, new DataView(uniform), 0);
  const bindings: Record<string, unknown> = { 0: { uniform } };
  for (const { name, binding } of shaderOf(dispatch.shader).buffers) bindings[binding] = buffers[name];
  const { races, errors } = detectRaces(code, "main", [...dispatch.workgroups], { 0: bindings });
  return [...races.map((r) => r.message), ...errors];
}
