/**
 * `spawnSync`: a command from start to end while everything else waits.
 */
import { spawnSync as start, type SpawnSyncOptions, type SpawnSyncReturns } from 'node:child_process';
import type { Request } from './arguments.js';
import { readLines } from './channel.js';
import { commandLine } from './command-line.js';
import type { JailKeeperError } from './errors.js';
import type { ErrorLine, ExitEvent, JailEvent, StartEvent } from './events.js';
import { failureOf } from './failure.js';
import { initAbove, waitUntilGone } from './gone.js';
import type { Policy } from './policy.js';
import { Scratch } from './scratch.js';

/** What a synchronous run leaves behind. */
export interface SyncRun {
  result: SpawnSyncReturns<string | Buffer>;
  events: JailEvent[];
  /** Why the command was not started. */
  failure: JailKeeperError | undefined;
}

/** Runs a command. Events go to a file, because `maxBuffer` would count them as output. */
export function runSync(binary: string, policy: Policy, request: Request<SpawnSyncOptions>): SyncRun {
  const { input, encoding, ...options } = request.options;
  const events = new Scratch();
  try {
    const line = commandLine(policy, { ...request, options: options as object }, { events: events.fd, tether: 'pipe' });
    const result = start(binary, line.args, {
      ...options,
      ...(input !== undefined && { input }),
      ...(encoding !== undefined && { encoding }),
      argv0: undefined,
      shell: false,
      env: line.env,
      stdio: line.stdio,
    });
    return finish(result, request, line.own, readLines(events.read()));
  } finally {
    events.close();
  }
}

function finish(
  result: SpawnSyncReturns<string | Buffer>,
  { command, args, options: { killSignal = 'SIGTERM' } }: Request<SpawnSyncOptions>,
  own: number,
  lines: (JailEvent | ErrorLine)[],
): SyncRun {
  // A lone `null` stands for a run that Node could not start.
  result.output?.splice(own);
  const told = lines.filter((line): line is JailEvent => line.event !== 'error');
  const begun = told.find((line): line is StartEvent => line.event === 'start');
  const ended = told.some((line): line is ExitEvent => line.event === 'exit');
  if (begun !== undefined && !ended) {
    // The program was killed; its jail dies with it, and is not waited for by anybody.
    waitUntilGone(initAbove(begun.pid));
  }
  if (result.error !== undefined && result.status !== null) {
    // Node gave up on it: it closed the tether and sent the signal, and the tether was faster.
    Object.assign(result, { status: null, signal: killSignal });
  }
  const failure =
    result.error === undefined && result.signal === null
      ? failureOf(
          {
            line: lines.find((line): line is ErrorLine => line.event === 'error'),
            started: begun !== undefined,
            code: result.status,
            signal: result.signal,
            stderr: String(result.stderr ?? ''),
          },
          command,
          args,
        )
      : undefined;
  if (failure !== undefined) {
    Object.assign(result, { error: failure, status: null });
  }
  return { result, events: told, failure };
}
