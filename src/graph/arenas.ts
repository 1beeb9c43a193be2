/** How parameters share buffers: those that the optimiser treats alike lie side by side, so that one dispatch updates them all. */

export interface Slot {
  readonly arena: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Alignment of a storage binding's offset at WebGPU's default limits. */
const ALIGNMENT = 256;

/** A slot for each item, in order within its group; an arena holds items of one group, at most `limitBytes` in all unless one alone is larger. */
export function packArenas(
  items: readonly { readonly bytes: number; readonly group: string }[],
  limitBytes: number,
): { readonly slots: readonly Slot[]; readonly arenas: readonly number[] } {
  const arenas: number[] = [];
  const open = new Map<string, number>();
  const slots = items.map(({ bytes, group }): Slot => {
    let arena = open.get(group);
    let offset = arena === undefined ? 0 : Math.ceil(arenas[arena]! / ALIGNMENT) * ALIGNMENT;
    if (arena === undefined || offset + bytes > limitBytes) {
      arena = arenas.push(0) - 1;
      offset = 0;
      open.set(group, arena);
    }
    arenas[arena] = offset + bytes;
    return { arena, offset, bytes };
  });
  return { slots, arenas };
}

/** Slots that follow each other without another between them, joined into runs: [first byte, end) of an arena. */
export function joinSlots(
  slots: readonly Slot[],
): readonly { readonly arena: number; readonly start: number; readonly end: number }[] {
  const runs: { arena: number; start: number; end: number }[] = [];
  for (const { arena, offset, bytes } of [...slots].sort((a, b) => a.arena - b.arena || a.offset - b.offset)) {
    const last = runs.at(-1);
    if (last?.arena === arena && offset === Math.ceil(last.end / ALIGNMENT) * ALIGNMENT) last.end = offset + bytes;
    else runs.push({ arena, start: offset, end: offset + bytes });
  }
  return runs;
}
