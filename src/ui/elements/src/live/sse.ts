// Server-sent events from a response body: `EventSource` can send no Authorization header.

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Calls back for each event, and with the text of each comment. Ends when the stream does. */
export async function readEvents(body: ReadableStream<Uint8Array>, on: (event: ServerEvent | string) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  const parser = new EventParser(on);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.push(value);
  }
}

/** The event stream format of the HTML standard, line by line. */
export class EventParser {
  private rest = "";
  private id = "";
  private event = "";
  private data: string[] = [];

  constructor(private readonly on: (event: ServerEvent | string) => void) {}

  push(text: string): void {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    lines.forEach((line) => this.line(line));
  }

  private line(line: string): void {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return this.on(line.slice(1).trim());
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.id = value;
    else if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
  }

  private dispatch(): void {
    if (this.data.length || this.event) {
      this.on({ id: this.id, event: this.event || "message", data: this.data.join("\n") });
    }
    this.event = "";
    this.data = [];
  }
}
