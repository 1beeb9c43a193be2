/** wgsl_reflect by the file that loads in Node's ESM (its main entry throws there), with the types this repo uses. */
// @ts-expect-error -- the package has types for its main entry only
import * as module from "wgsl_reflect/wgsl_reflect.module.js";

export interface TypeInfo {
  readonly name: string;
  readonly size: number;
  readonly count?: number;
  readonly format?: TypeInfo;
}
export interface MemberInfo {
  readonly name: string;
  readonly offset: number;
  readonly type: TypeInfo;
}
export interface ResourceInfo {
  readonly name: string;
  readonly binding: number;
  readonly access: string;
  readonly size: number;
  readonly type: TypeInfo;
  readonly members?: readonly MemberInfo[];
}
export interface Reflection {
  readonly uniforms: readonly ResourceInfo[];
  readonly storage: readonly ResourceInfo[];
  readonly overrides: readonly { readonly name: string; readonly type?: { readonly name: string } }[];
  readonly entry: { readonly compute: readonly { readonly name: string }[] };
}
export const WgslReflect = module.WgslReflect as new (code: string) => Reflection;

/** Runs a kernel's workgroups in lockstep and reports unordered accesses; its own docs are in the package's README. */
export const detectRaces = module.detectRaces as (
  code: string,
  kernel: string,
  workgroups: readonly number[],
  bindGroups: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
) => { readonly races: readonly { readonly message: string }[]; readonly errors: readonly string[] };
