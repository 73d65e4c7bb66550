/**
 * The command line of `jailkeeper run` for a request.
 */
import type { SpawnOptions } from 'node:child_process';
import type { Request } from './arguments.js';
import { readEnvironment } from './environment.js';
import type { Policy } from './policy.js';
import { readStdio, type Descriptors } from './stdio.js';

/** Everything that Node needs to start the program. */
export interface CommandLine {
  args: string[];
  env: NodeJS.ProcessEnv | undefined;
  stdio: Descriptors['stdio'];
  /** How many of the descriptors are the caller's. */
  own: number;
}

/** Descriptors of ours, behind those of the caller. */
export interface Ours {
  /** Where events go. */
  events: 'pipe' | number;
  /** Hangs up when this process dies, if the events are a file. */
  tether?: 'pipe';
  /** Where the report goes, a file. */
  report?: number;
}

/** Puts the command line together. */
export function commandLine(
  policy: Policy,
  { command, args, options }: Request<SpawnOptions>,
  ours: Ours,
): CommandLine {
  const { stdio, own, passed, ipc } = readStdio(options.stdio);
  const { env, flags } = readEnvironment(options.env, ipc !== undefined);
  const events = stdio.push(ours.events) - 1;
  const tether = ours.tether === undefined ? events : stdio.push(ours.tether) - 1;
  const mine = [`--events=fd:${events}`, `--tether=fd:${tether}`];
  if (ours.report !== undefined) {
    mine.push(`--report=fd:${stdio.push(ours.report) - 1}`);
  }
  if (options.argv0 !== undefined) {
    mine.push(`--argv0=${options.argv0}`);
  }
  const handed = passed.map((number) => `--pass-fd=${number}`);
  return {
    args: ['run', '--quiet', '--mirror-signal', ...policy.flags, ...mine, ...handed, ...flags, '--', command, ...args],
    env,
    stdio,
    own,
  };
}
