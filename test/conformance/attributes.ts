/** Reads the attributes of a case: each by name and kind, with an error that says what was found. */

export class Attributes {
  constructor(
    private readonly op: string,
    private readonly values: Readonly<Record<string, unknown>>,
  ) {}

  number(name: string): number {
    return this.read(name, "a number", (value) => typeof value === "number");
  }

  /** `fallback` where it is not given at all. */
  numberOr(name: string, fallback: number): number {
    return this.values[name] === undefined ? fallback : this.number(name);
  }

  flag(name: string, fallback?: boolean): boolean {
    if (fallback !== undefined && this.values[name] === undefined) return fallback;
    return this.read(name, "true or false", (value) => typeof value === "boolean");
  }

  numbers(name: string): readonly number[] {
    return this.read(name, "a list of numbers", isNumbers);
  }

  /** [h, w] */
  pair(name: string): readonly [number, number] {
    return this.read(name, "two numbers [h, w]", (value) => isNumbers(value) && value.length === 2);
  }

  /** [top, left, bottom, right] */
  pads(name: string): readonly [number, number, number, number] {
    return this.read(name, "four numbers [top, left, bottom, right]", (value) => isNumbers(value) && value.length === 4);
  }

  numberOrNull(name: string): number | null {
    return this.read(name, "a number or null", (value) => value === null || typeof value === "number");
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    return this.read(name, choices.join(", "), (value) => (choices as readonly unknown[]).includes(value));
  }

  oneOfOrNull<T extends string>(name: string, choices: readonly T[]): T | null {
    return this.values[name] === null ? null : this.oneOf(name, choices);
  }

  string(name: string): string {
    return this.read(name, "a string", (value) => typeof value === "string");
  }

  list(name: string): readonly unknown[] {
    return this.read(name, "a list", Array.isArray);
  }

  record(name: string): Readonly<Record<string, unknown>> {
    return this.read(name, "an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value));
  }

  /** For an attribute that can only have one value here. */
  require(name: string, value: unknown): void {
    this.read(name, JSON.stringify(value), (given) => given === value);
  }

  private read<T>(name: string, expected: string, fits: (value: unknown) => boolean): T {
    const value = this.values[name];
    if (!fits(value))
      throw new Error(`${this.op}: attribute ${name} is ${JSON.stringify(value) ?? "missing"}: expected ${expected}`);
    return value as T;
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => typeof v === "number");
}
