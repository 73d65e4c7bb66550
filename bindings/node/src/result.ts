/**
 * `run()`: a command from start to end, as one promise.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { JailbreakEvent } from './events.js';
import type { Scratch } from './scratch.js';

/** Options of `run()`: those of `spawn`, and what is to be done with the streams. */
export interface RunOptions extends SpawnOptions {
  /** What the command reads on its standard input, which ends then. */
  input?: string | Uint8Array;
  /** How output is decoded; `buffer` for not at all. Default: `utf8`. */
  encoding?: BufferEncoding | 'buffer';
}

/** What `run()` resolves to. */
export interface RunResult<Output = string> {
  /** The exit code, if the command ended by itself. */
  code: number | null;
  /** The signal that ended it, if one did. After a jailbreak that is `SIGKILL`. */
  signal: NodeJS.Signals | null;
  stdout: Output;
  stderr: Output;
  /** Every jailbreak, in the order in which they happened. */
  jailbreaks: JailbreakEvent[];
  /** The engine's report of the run; null if it could not be written. */
  report: Report | null;
}

/** The engine's report: the fold of a run's events. */
export interface Report {
  [name: string]: unknown;
}

/** Collects what a child prints until it is closed. Rejects when it could not be started. */
export function collect(
  child: ChildProcess,
  { input, encoding = 'utf8' }: RunOptions,
  jailbreaks: JailbreakEvent[],
  scratch: Scratch,
): Promise<RunResult<string | Buffer>> {
  const read = (stream: ChildProcess['stdout']): (() => string | Buffer) => {
    const pieces: Buffer[] = [];
    stream?.on('data', (piece: Buffer) => pieces.push(piece));
    return () => (encoding === 'buffer' ? Buffer.concat(pieces) : Buffer.concat(pieces).toString(encoding));
  };
  const [stdout, stderr] = [read(child.stdout), read(child.stderr)];
  // A command need not read all of it.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout: stdout(), stderr: stderr(), jailbreaks, report: readReport(scratch) });
    });
  });
}

function readReport(scratch: Scratch): Report | null {
  try {
    return JSON.parse(scratch.read().toString('utf8')) as Report;
  } catch {
    return null;
  }
}
