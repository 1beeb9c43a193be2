/** Which line of which file a line of an embedded shader is: scripts/shader-parts.ts marks what it put in from shaders/parts. */
const PART = /^ *\/\/ @part ([\w-]+):(\d+)$/;
const END = /^ *\/\/ @end$/;

export interface SourceLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Of line `line` of shader `name`, counted from 1. Behind unrolled loops the lines of the files themselves are fewer. */
export function sourceLine(name: string, code: string, line: number): SourceLine {
  let at: SourceLine = { file: `shaders/${name}.wgsl`, line: 0 };
  let own = at;
  for (const text of code.split("\n", line)) {
    const part = PART.exec(text);
    if (part) {
      own = { ...at, line: at.line + 1 };
      at = { file: `shaders/parts/${part[1]}.wgsl`, line: Number(part[2]) - 1 };
    } else at = END.test(text) ? own : { ...at, line: at.line + 1 };
  }
  return at;
}
