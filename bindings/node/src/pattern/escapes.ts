/**
 * What follows a backslash.
 */
import { complement, DIGITS, SPACE, withProperty, WORD, type Codes } from './codes.js';
import type { Reader } from './reader.js';

/** One character, or a set of them. */
export type Escape = { kind: 'character'; code: number } | { kind: 'set'; codes: Codes };

const CONTROLS: Record<string, number> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d };
const SETS: Record<string, Codes> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};

/** Reads an escape, behind its backslash. What an escape means inside of a class alone is not here. */
export function readEscape(reader: Reader): Escape {
  const code = reader.next();
  const letter = String.fromCodePoint(code);
  const control = CONTROLS[letter];
  const codes = SETS[letter];
  if (control !== undefined) {
    return character(control);
  }
  if (codes !== undefined) {
    return wordOf(reader, letter, codes);
  }
  switch (letter) {
    case 'x':
      return character(hexadecimal(reader, /([0-9a-fA-F]{2})/y, '\\x'));
    case 'u':
      return character(unicode(reader));
    case 'c':
      return character(hexadecimalOf(reader, /([A-Za-z])/y, '\\c').charCodeAt(0) % 32);
    case 'p':
    case 'P':
      return property(reader, letter);
    case '0':
      if (reader.isAt(/[0-9]/y)) {
        throw reader.refuse('an octal escape', 'write the character as \\xHH');
      }
      return character(0);
    case 'k':
      throw reader.refuse('a named backreference (\\k)', 'spell out what it would match');
    default:
      if (/[1-9]/.test(letter)) {
        throw reader.refuse(`a backreference or octal escape (\\${letter})`, 'spell out what it would match');
      }
      if (/[A-Za-z]/.test(letter)) {
        throw reader.refuse(`the needless escape \\${letter}`, `write ${letter} without a backslash`);
      }
      return character(code);
  }
}

function character(code: number): Escape {
  return { kind: 'character', code };
}

/** With `i` and `u` together, `\w` has two more: the long s and the Kelvin sign. */
function wordOf(reader: Reader, letter: string, codes: Codes): Escape {
  if (letter === 'W' && reader.ignoresCase) {
    // Its own complement would come back by case: `S` is the upper case of U+017F.
    const word: Codes = reader.isUnicode ? [...WORD, [0x17f, 0x17f], [0x212a, 0x212a]] : WORD;
    return { kind: 'set', codes: complement(word) };
  }
  return { kind: 'set', codes };
}

/** Reads the number behind `\u`. Two escapes that are halves of a pair are one character. */
function unicode(reader: Reader): number {
  if (reader.isUnicode) {
    const braced = reader.takeMatch(/\{([0-9a-fA-F]+)\}/y);
    if (braced !== null) {
      return Number.parseInt(braced[1] ?? '', 16);
    }
  } else if (reader.isAt(/\{/y)) {
    throw reader.refuse('\\u{...} without the flag u', 'add the flag u');
  }
  const first = hexadecimal(reader, /([0-9a-fA-F]{4})/y, '\\u');
  if (first < 0xd800 || first > 0xdfff) {
    return first;
  }
  const second = first < 0xdc00 ? reader.takeMatch(/\\u([dD][c-fC-F][0-9a-fA-F]{2})/y) : null;
  if (second === null) {
    throw reader.refuse('half of a surrogate pair', 'no path has one; write the whole character');
  }
  return 0x10000 + (first - 0xd800) * 0x400 + (Number.parseInt(second[1] ?? '', 16) - 0xdc00);
}

function hexadecimal(reader: Reader, digits: RegExp, escape: string): number {
  return Number.parseInt(hexadecimalOf(reader, digits, escape), 16);
}

function hexadecimalOf(reader: Reader, digits: RegExp, escape: string): string {
  const match = reader.takeMatch(digits);
  if (match === null) {
    throw reader.refuse(`an unfinished ${escape} escape`, 'complete it, or drop the backslash');
  }
  return match[1] ?? '';
}

/** Reads `\p{..}`. It is written out: what Rust knows of Unicode may be of another version. */
function property(reader: Reader, letter: string): Escape {
  const match = reader.isUnicode ? reader.takeMatch(/\{([A-Za-z0-9_=]+)\}/y) : null;
  if (match === null) {
    throw reader.refuse(`\\${letter} without the flag u`, 'add the flag u, or write p without a backslash');
  }
  if (letter === 'P' && reader.ignoresCase) {
    throw reader.refuse('\\P{...} with the flags i and u', 'it means something unexpected; write [^\\p{...}]');
  }
  return { kind: 'set', codes: withProperty(`\\${letter}{${match[1] ?? ''}}`) };
}
