// Which lines of one text are not in another, for showing two sides next to their common base.

const MAX_CELLS = 4_000_000; // beyond that, nothing is marked rather than the page made slow

/** For each line of `text`, whether a longest common subsequence with `base` leaves it out. */
export function changedLines(base: string, text: string): boolean[] {
  const [a, b] = [base.split("\n"), text.split("\n")];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const marks = new Array<boolean>(b.length).fill(false);
  const [height, width] = [a.length - start - end, b.length - start - end];
  if (height * width > MAX_CELLS) return marks;
  const table = lengths(a, b, start, height, width);
  for (let i = 0, j = 0; j < width;) {
    if (i < height && a[start + i] === b[start + j]) (i++, j++);
    else if (i < height && table[(i + 1) * (width + 1) + j]! >= table[i * (width + 1) + j + 1]!) i++;
    else marks[start + j++] = true;
  }
  return marks;
}

function lengths(a: string[], b: string[], start: number, height: number, width: number): Uint32Array {
  const table = new Uint32Array((height + 1) * (width + 1));
  for (let i = height - 1; i >= 0; i--) {
    for (let j = width - 1; j >= 0; j--) {
      const at = i * (width + 1) + j;
      table[at] = a[start + i] === b[start + j] ? table[at + width + 2]! + 1 : Math.max(table[at + width + 1]!, table[at + 1]!);
    }
  }
  return table;
}
