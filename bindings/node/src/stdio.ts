/**
 * The descriptors of a command, and those of ours behind them.
 */
import type { SpawnOptions, StdioOptions } from 'node:child_process';
import { invalid } from './arguments.js';

const WORDS: readonly unknown[] = ['pipe', 'overlapped', 'ignore', 'inherit'];

type Entries = Exclude<StdioOptions, string>;

/** The descriptors that the program is started with. */
export interface Descriptors {
  /** For Node: the caller's, then ours. */
  stdio: Entries;
  /** How many of them are the caller's. */
  own: number;
  /** The caller's from 3 on, which are handed on to the command. */
  passed: number[];
  /** Where Node has the channel for messages, if there is one. */
  ipc: number | undefined;
}

/** Reads the option `stdio`, in every form that Node takes. */
export function readStdio(option: SpawnOptions['stdio']): Descriptors {
  const isKnown = option === undefined || option === null || Array.isArray(option) || WORDS.includes(option);
  if (!isKnown) {
    throw invalid('ERR_INVALID_ARG_VALUE', `The argument 'stdio' is invalid. Received ${String(option)}`);
  }
  const stdio: Entries = Array.isArray(option) ? [...option] : [option, option, option].map((entry) => entry ?? 'pipe');
  while (stdio.length < 3) {
    stdio.push('pipe');
  }
  // What is beyond the third and not said is not opened.
  const entries: Entries = stdio.map((entry, at) => entry ?? (at < 3 ? 'pipe' : 'ignore'));
  const passed = [...entries.keys()].filter((at) => at >= 3 && entries[at] !== 'ignore');
  const ipc = entries.indexOf('ipc');
  return { stdio: entries, own: entries.length, passed, ipc: ipc < 0 ? undefined : ipc };
}
