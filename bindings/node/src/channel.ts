/**
 * Reads events, one JSON object a line, from the program.
 */
import type { ErrorLine, JailEvent } from './events.js';

/** Longest line that is taken: the engine's own bound, and some. */
const LINE_MAX = 2 << 20;

/** Puts lines together from pieces of any size. */
export class LineReader {
  readonly #take: (line: JailEvent | ErrorLine) => void;
  #pieces: Buffer[] = [];
  #length = 0;

  /** Calls `take` for every complete line. */
  constructor(take: (line: JailEvent | ErrorLine) => void) {
    this.#take = take;
  }

  /** Takes the next piece. */
  feed(piece: Buffer): void {
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
      this.#keep(piece.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    this.#keep(piece.subarray(start));
  }

  #keep(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length <= LINE_MAX) {
      this.#pieces.push(piece);
    }
  }

  #finish(): void {
    const isWhole = this.#length <= LINE_MAX;
    const text = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    this.#length = 0;
    if (isWhole && text !== '') {
      this.#take(JSON.parse(text) as JailEvent | ErrorLine);
    }
  }
}

/** Reads all lines of a finished run. */
export function readLines(text: Buffer): (JailEvent | ErrorLine)[] {
  const lines: (JailEvent | ErrorLine)[] = [];
  new LineReader((line) => lines.push(line)).feed(text);
  return lines;
}
