/**
 * Sets of characters, as sorted ranges of code points.
 */

/** A range of code points, both ends in it. */
export type Range = readonly [number, number];

/** Sorted ranges that do not touch. */
export type Codes = readonly Range[];

const LAST = 0x10ffff;

/** `\d` */
export const DIGITS: Codes = [[0x30, 0x39]];
/** `\w` */
export const WORD: Codes = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
/** `\s`: white space and line ends of ECMAScript, which is not the White_Space of Unicode. */
export const SPACE: Codes = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
/** What `.` does not match. */
export const LINE_ENDS: Codes = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

/** Sorts ranges and joins those that touch. */
export function join(ranges: readonly Range[]): Codes {
  const joined: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before[1] + 1) {
      before[1] = Math.max(before[1], last);
    } else {
      joined.push([first, last]);
    }
  }
  return joined;
}

/** Returns everything else. */
export function complement(codes: Codes): Codes {
  const rest: Range[] = [];
  let next = 0;
  for (const [first, last] of codes) {
    if (first > next) {
      rest.push([next, first - 1]);
    }
    next = last + 1;
  }
  return next <= LAST ? [...rest, [next, LAST]] : rest;
}

/**
 * Adds what differs from the set's characters in case alone.
 *
 * What that is, the JavaScript engine says itself. Without the flag `u` it is less than Unicode's
 * folding, by which `k` matches the Kelvin sign.
 */
export function withCases(codes: Codes, isUnicode: boolean): Codes {
  const written = codes
    .filter(([first]) => isUnicode || first <= 0xffff)
    .map(([first, last]) => `${escaped(first, isUnicode)}-${escaped(last, isUnicode)}`);
  const probe = new RegExp(`^[${written.join('')}]$`, isUnicode ? 'iu' : 'i');
  return join([...codes, ...cased().filter(([code]) => probe.test(String.fromCodePoint(code)))]);
}

/** Returns the characters that have a property, such as `\p{Lu}`, as the JavaScript engine knows it. */
export function withProperty(property: string): Codes {
  return allThatMatch(new RegExp(`^${property}$`, 'u'));
}

function escaped(code: number, isUnicode: boolean): string {
  const digits = (code > 0xffff && !isUnicode ? 0xffff : code).toString(16);
  return isUnicode ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`;
}

let casedCodes: Codes | undefined;

/** All characters that have other cases, one by one. */
function cased(): Codes {
  casedCodes ??= allThatMatch(/^[\p{Changes_When_Casemapped}\p{Changes_When_Casefolded}]$/u).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, at): Range => [first + at, first + at]),
  );
  return casedCodes;
}

function allThatMatch(pattern: RegExp): Codes {
  const ranges: [number, number][] = [];
  for (let code = 0; code <= LAST; code += 1) {
    if (code === 0xd800) {
      // Halves of surrogate pairs are no characters.
      code = 0xe000;
    }
    if (pattern.test(String.fromCodePoint(code))) {
      const before = ranges.at(-1);
      if (before?.[1] === code - 1) {
        before[1] = code;
      } else {
        ranges.push([code, code]);
      }
    }
  }
  return ranges;
}
