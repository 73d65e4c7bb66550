/**
 * Reads the source of a regular expression, code point by code point, and refuses.
 */
import { JailKeeperError } from '../errors.js';

/** A place in the source of a regular expression. */
export class Reader {
  readonly #pattern: RegExp;
  readonly #source: string;
  #at = 0;

  constructor(pattern: RegExp) {
    this.#pattern = pattern;
    this.#source = pattern.source;
  }

  /** Whether the flag `u` is set: characters are code points then. */
  get isUnicode(): boolean {
    return this.#pattern.unicode;
  }

  /** Whether the flag `i` is set. */
  get ignoresCase(): boolean {
    return this.#pattern.ignoreCase;
  }

  /** Whether the flag `m` is set. */
  get isMultiline(): boolean {
    return this.#pattern.multiline;
  }

  /** Whether the flag `s` is set. */
  get isDotAll(): boolean {
    return this.#pattern.dotAll;
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  /** Looks at the next text without taking it. */
  startsWith(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  /** Takes text if it comes next. */
  take(text: string): boolean {
    const comes = this.startsWith(text);
    if (comes) {
      this.#at += text.length;
    }
    return comes;
  }

  /** Takes what a sticky expression matches here. */
  takeMatch(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    const match = sticky.exec(this.#source);
    if (match !== null) {
      this.#at = sticky.lastIndex;
    }
    return match;
  }

  /** Looks whether a sticky expression matches here. */
  isAt(sticky: RegExp): boolean {
    sticky.lastIndex = this.#at;
    return sticky.test(this.#source);
  }

  /** Takes the next character. A pair of surrogates is one. */
  next(): number {
    const code = this.#source.codePointAt(this.#at);
    if (code === undefined) {
      throw this.refuse('a pattern that ends too early', 'look at its end');
    }
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  /** Makes the error for something that cannot be translated. */
  refuse(construct: string, hint: string): JailKeeperError {
    return new JailKeeperError(
      'EPOLICY',
      `failed to translate the pattern ${String(this.#pattern)}: it has ${construct}`,
      hint,
    );
  }
}
