/**
 * Translates character classes, `[...]`.
 */
import { complement, join, withCases, type Codes, type Range } from './codes.js';
import { readEscape, type Escape } from './escapes.js';
import type { Reader } from './reader.js';
import { characterClass } from './write.js';

/** Reads a class behind its bracket and writes it for Rust. */
export function translateClass(reader: Reader): string {
  const negated = reader.take('^');
  const ranges: Range[] = [];
  while (!reader.take(']')) {
    const item = readItem(reader);
    const end = item.kind === 'character' ? readRangeEnd(reader) : undefined;
    if (item.kind === 'set') {
      ranges.push(...item.codes);
    } else {
      ranges.push([item.code, end ?? item.code]);
    }
  }
  return writeSet(reader, join(ranges), negated);
}

/** Writes a set with the meaning that the flags give it. */
export function writeSet(reader: Reader, codes: Codes, negated: boolean): string {
  const folded = reader.ignoresCase ? withCases(codes, reader.isUnicode) : codes;
  return characterClass(negated ? complement(folded) : folded);
}

/** Reads the end of a range if there is one: `-` before `]` or a set is only a dash. */
function readRangeEnd(reader: Reader): number | undefined {
  if (!reader.startsWith('-') || reader.startsWith('-]') || reader.isAt(/-\\[dDwWsS]/y)) {
    return undefined;
  }
  reader.take('-');
  const end = readItem(reader);
  if (end.kind !== 'character') {
    throw reader.refuse('a range that ends in a set', 'put the dash first in the class');
  }
  return end.code;
}

function readItem(reader: Reader): Escape {
  if (reader.take('\\')) {
    if (reader.take('b')) {
      return { kind: 'character', code: 8 };
    }
    return checked(reader, reader.take('-') ? { kind: 'character', code: 0x2d } : readEscape(reader));
  }
  return checked(reader, { kind: 'character', code: reader.next() });
}

/** Without the flag `u` a class sees a character outside the basic plane as two halves. */
function checked(reader: Reader, item: Escape): Escape {
  if (item.kind === 'character' && item.code > 0xffff && !reader.isUnicode) {
    throw reader.refuse('a class with a character of two UTF-16 units', 'add the flag u');
  }
  return item;
}
