/**
 * Translates a regular expression of ECMAScript to one of Rust's `regex` crate.
 *
 * The translation matches what the original matches, but for two things, because a path is text
 * and not UTF-16: without the flag `u`, `.` and negated classes match a whole character where
 * JavaScript counts two units, and with the flag `m` only `\n` ends a line. Classes, properties
 * and case are written out as JavaScript knows them. What has no equivalent (lookaround,
 * backreferences) is refused by name.
 */
import { complement, LINE_ENDS } from './codes.js';
import { translateClass, writeSet } from './class.js';
import { readEscape, type Escape } from './escapes.js';
import { Reader } from './reader.js';
import { characterClass, literal } from './write.js';

const QUANTIFIER = /[*+?]|\{[0-9]+(?:,[0-9]*)?\}/y;
/** What would make no sense of `(?` in Rust, or another one. */
const GROUPS: readonly [string, string][] = [
  ['(?=', 'a lookahead'],
  ['(?!', 'a negative lookahead'],
  ['(?<=', 'a lookbehind'],
  ['(?<!', 'a negative lookbehind'],
];

/** Returns the pattern in Rust's syntax, anchored as it is written. */
export function translate(pattern: RegExp): string {
  const reader = new Reader(pattern);
  if (pattern.sticky) {
    throw reader.refuse('the flag y (sticky)', 'a path has no position to stick to; anchor with ^');
  }
  if (pattern.flags.includes('v')) {
    throw reader.refuse('the flag v (set notation)', 'use the flag u, and classes without -- and &&');
  }
  return translateAlternatives(reader, false);
}

function translateAlternatives(reader: Reader, inGroup: boolean): string {
  let text = '';
  while (!reader.isAtEnd) {
    if (inGroup && reader.startsWith(')')) {
      break;
    }
    text += reader.take('|') ? '|' : translateTerm(reader);
  }
  return text;
}

function translateTerm(reader: Reader): string {
  if (reader.take('^')) {
    return reader.isMultiline ? '(?m:^)' : '^';
  }
  if (reader.take('$')) {
    return reader.isMultiline ? '(?m:$)' : '$';
  }
  const boundary = reader.takeMatch(/\\([bB])/y);
  if (boundary !== null) {
    if (reader.ignoresCase && reader.isUnicode) {
      throw reader.refuse(`${boundary[0]} with the flags i and u`, 'leave one of the flags out');
    }
    return `(?-u:${boundary[0]})`;
  }
  return translateAtom(reader) + translateQuantifier(reader);
}

function translateAtom(reader: Reader): string {
  if (reader.startsWith('(')) {
    return translateGroup(reader);
  }
  if (reader.take('[')) {
    return translateClass(reader);
  }
  if (reader.take('.')) {
    return characterClass(complement(reader.isDotAll ? [] : LINE_ENDS));
  }
  return writeEscape(reader, reader.take('\\') ? readEscape(reader) : { kind: 'character', code: reader.next() });
}

function translateGroup(reader: Reader): string {
  for (const [start, name] of GROUPS) {
    if (reader.startsWith(start)) {
      throw reader.refuse(`${name} (${start}...)`, 'list what may match instead, or use several patterns');
    }
  }
  const opening = reader.takeMatch(/\((?:\?(?::|<[^>]*>))?(?!\?)/y);
  if (opening === null) {
    throw reader.refuse('flags inside of the pattern', 'set them for the whole pattern');
  }
  const inside = translateAlternatives(reader, true);
  reader.take(')');
  return `(?:${inside})`;
}

function translateQuantifier(reader: Reader): string {
  const quantifier = reader.takeMatch(QUANTIFIER);
  if (quantifier === null) {
    return '';
  }
  return quantifier[0] + (reader.take('?') ? '?' : '');
}

function writeEscape(reader: Reader, atom: Escape): string {
  if (atom.kind === 'set') {
    return writeSet(reader, atom.codes, false);
  }
  const { code } = atom;
  if (code >= 0xd800 && code <= 0xdfff) {
    throw reader.refuse('half of a surrogate pair', 'no path has one; write the whole character');
  }
  if (code > 0xffff && !reader.isUnicode && reader.isAt(QUANTIFIER)) {
    throw reader.refuse('a repeated character of two UTF-16 units', 'add the flag u');
  }
  const written = writeSet(reader, [[code, code]], false);
  return written === `[${literal(code)}]` ? literal(code) : written;
}
