/**
 * Writing pieces of a regular expression in the syntax of Rust's `regex` crate.
 *
 * Whatever is not a letter, a digit or a slash is written as `\x{..}`, so that nothing that is
 * special there, now or later, is written by accident.
 */
import type { Codes } from './codes.js';

const PLAIN = /^[A-Za-z0-9/]$/;

/** Writes one character. */
export function literal(code: number): string {
  const text = String.fromCodePoint(code);
  return PLAIN.test(text) ? text : `\\x{${code.toString(16).toUpperCase()}}`;
}

/**
 * Writes a class, always of what it has and never of what it has not.
 *
 * Halves of surrogate pairs are no characters in Rust, and in no path, so they are cut out.
 */
export function characterClass(codes: Codes): string {
  const ranges = codes.flatMap(([first, last]) => withoutSurrogates(first, last));
  if (ranges.length === 0) {
    return '[^\\x{0}-\\x{10FFFF}]';
  }
  const written = ranges.map(([first, last]) =>
    first === last ? literal(first) : `${literal(first)}-${literal(last)}`,
  );
  return `[${written.join('')}]`;
}

function withoutSurrogates(first: number, last: number): [number, number][] {
  const below: [number, number] = [first, Math.min(last, 0xd7ff)];
  const above: [number, number] = [Math.max(first, 0xe000), last];
  return [below, above].filter(([from, to]) => from <= to);
}
