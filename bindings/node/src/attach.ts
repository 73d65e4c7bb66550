/**
 * Walls around a child that runs already: the program attaches, and tells what happens.
 *
 * The child stays what it was, Node's own; it emits its own `exit` as ever.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { LineReader } from './channel.js';
import type { ErrorLine, ExitEvent, StartEvent } from './events.js';
import { failureOf } from './failure.js';
import type { Policy } from './policy.js';
import type { Audience } from './run.js';

/** Where events come, and where the program notices the end of this process. */
const EVENTS = 3;

/** Attaches to a process. What comes of it is told to the audience. */
export function attach(binary: string, pid: number, policy: Policy, audience: Audience): void {
  const mine = ['--quiet', `--events=fd:${EVENTS}`, `--tether=fd:${EVENTS}`];
  const program = spawn(binary, ['attach', ...mine, ...policy.flags, '--', String(pid)], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let start: StartEvent | undefined;
  let exit: ExitEvent | undefined;
  let failure: ErrorLine | undefined;
  const reader = new LineReader((line) => {
    if (line.event === 'error') {
      failure = line;
      return;
    }
    if (line.event === 'start') {
      start = line;
    } else if (line.event === 'exit') {
      exit = line;
    }
    audience.event(line);
  });
  const socket = program.stdio[EVENTS] as Socket | null | undefined;
  socket?.on('data', (piece: Buffer) => reader.feed(piece));
  // A program that was killed may leave its end in any state.
  socket?.on('error', () => {});
  const end = (code: number | null, signal: string | null): void => {
    const error = failureOf({ line: failure, started: start !== undefined, code, signal }, String(pid), []);
    audience.over();
    if (error === undefined) {
      audience.exited(exit?.code ?? null, (exit?.signal ?? null) as NodeJS.Signals | null, exit);
    } else if (!audience.failed(Object.assign(error, { syscall: `attach ${pid}` }))) {
      throw error;
    }
  };
  // Comes when the program has ended and everything that it wrote was read.
  program.on('close', end);
  program.on('error', () => {});
}
