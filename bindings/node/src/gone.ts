/**
 * Waits for the end of a jail that nobody announces.
 *
 * A run ends with an `exit` event, and nothing is alive then. When the program itself was killed,
 * the kernel kills the jail, but nobody says when that is done. The jail's init is the last to go:
 * the kernel lets it become a zombie only when all others of its namespace are reaped.
 */
import { readFileSync } from 'node:fs';

/** The first process of a jail. */
export interface Init {
  pid: number;
  /** When it was started, so that another process with its number is not taken for it. */
  since: string;
}

const EVERY = 5;
const AT_MOST = 10_000;

/** Finds the init above a command. */
export function initAbove(command: number): Init | undefined {
  const pid = Number(statOf(command)?.[1]);
  const since = Number.isInteger(pid) && pid > 1 ? statOf(pid)?.[19] : undefined;
  return since === undefined ? undefined : { pid, since };
}

/** Calls back when the init, and with it everything in the jail, is gone. */
export function whenGone(init: Init | undefined, then: () => void, waited = 0): void {
  if (init === undefined || waited >= AT_MOST || isGone(init)) {
    then();
  } else {
    setTimeout(whenGone, EVERY, init, then, waited + EVERY);
  }
}

/** Waits without returning to the event loop. */
export function waitUntilGone(init: Init | undefined): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; init !== undefined && waited < AT_MOST && !isGone(init); waited += EVERY) {
    Atomics.wait(cell, 0, 0, EVERY);
  }
}

function isGone(init: Init): boolean {
  const fields = statOf(init.pid);
  return fields === undefined || fields[19] !== init.since || fields[0] === 'Z' || fields[0] === 'X';
}

/** The fields of `/proc/PID/stat` from the state on (proc_pid_stat(5)). */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
