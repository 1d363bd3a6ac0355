// A list of the API as far as it has been read, that can be read again without losing its length.
import { asProblem } from "../api/problem.js";
import type { Page, Problem } from "../api/types.js";

export class Feed<T> {
  items: T[] = [];
  problem: Problem | undefined;
  loaded = false;
  loading = false;
  private cursor: string | null = null;
  private again = false;

  constructor(
    private readonly fetchPage: (cursor: string | null) => Promise<Page<T>>,
    private readonly changed: () => void,
  ) {}

  get hasMore(): boolean {
    return this.cursor !== null;
  }

  /** Reads again as much as has been read so far. A call during another one makes that one start over once. */
  async refresh(): Promise<void> {
    this.again = true;
    if (this.loading) return;
    while (this.again) {
      this.again = false;
      await this.read(null, [], Math.max(this.items.length, 1));
    }
  }

  async more(): Promise<void> {
    if (this.cursor && !this.loading) await this.read(this.cursor, this.items, this.items.length + 1);
  }

  private async read(cursor: string | null, before: T[], atLeast: number): Promise<void> {
    this.loading = true;
    this.changed();
    try {
      let items = before;
      do {
        const page = await this.fetchPage(cursor);
        items = [...items, ...page.items];
        cursor = page.next_cursor;
      } while (cursor && items.length < atLeast);
      [this.items, this.cursor, this.problem, this.loaded] = [items, cursor, undefined, true];
    } catch (error) {
      this.problem = asProblem(error);
    }
    this.loading = false;
    this.changed();
  }
}
