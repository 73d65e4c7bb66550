/**
 * Runs that never began.
 */
import { constants } from 'node:os';
import { JailKeeperError, type ErrorCode } from './errors.js';
import type { ErrorLine } from './events.js';

/** What the program exits with when it fails itself. */
const STATUS: Record<number, ErrorCode> = { 125: 'ESETUP', 126: 'ENOTEXECUTABLE', 127: 'ENOTFOUND' };

/** The errno under which Node knows a kind of failure. Negative, it becomes the exit code. */
const ERRNO: Record<ErrorCode, number> = {
  EPOLICY: constants.errno.EINVAL,
  EUNSUPPORTED: constants.errno.ENOSYS,
  ESETUP: constants.errno.EIO,
  ENOTFOUND: constants.errno.ENOENT,
  ENOTEXECUTABLE: constants.errno.EACCES,
  EIO: constants.errno.EIO,
  EBUSY: constants.errno.EBUSY,
  ENOBINARY: constants.errno.ENOENT,
};

/** How a run ended, as far as it matters for whether it began. */
export interface Ending {
  /** What the program wrote about its failure. */
  line: ErrorLine | undefined;
  /** Whether the jail was announced. */
  started: boolean;
  code: number | null;
  signal: string | null;
  /** What stands on stderr, where that is known. */
  stderr?: string;
}

/** Makes the error of a run that did not begin; undefined for one that did. */
export function failureOf(ending: Ending, command: string, args: string[]): JailKeeperError | undefined {
  const { line, started, code } = ending;
  if (line !== undefined) {
    return described(new JailKeeperError(kindOf(line.kind), line.message, line.hint), command, args);
  }
  const kind = code === null ? undefined : STATUS[code];
  if (started || kind === undefined) {
    return undefined;
  }
  const { message, hint } = tellFrom(ending.stderr ?? '');
  const fallback = `failed to start \`${command}\` in its jail (status ${code})`;
  const advice = 'stderr says more; the `jailkeeper` program must be of the same version as this package';
  return described(new JailKeeperError(kind, message ?? fallback, hint ?? advice), command, args);
}

/** Returns the exit code that stands for an error, negative as Node's own. */
export function codeOf(error: JailKeeperError): number {
  return -ERRNO[error.code];
}

/** Adds what Node's own errors of `spawn` have. */
function described(error: JailKeeperError, command: string, args: string[]): JailKeeperError {
  return Object.assign(error, { syscall: `spawn ${command}`, path: command, spawnargs: args });
}

function kindOf(kind: string): ErrorCode {
  return Object.hasOwn(ERRNO, kind) ? (kind as ErrorCode) : 'ESETUP';
}

/** Finds the program's own words among what is on stderr. */
function tellFrom(stderr: string): { message?: string; hint?: string } {
  const message = /^error: (.*(?:\ncaused by: .*)*)/m.exec(stderr)?.[1]?.replaceAll('\ncaused by: ', ': ');
  const hint = /^hint: (.*)/m.exec(stderr)?.[1];
  return { ...(message !== undefined && { message }), ...(hint !== undefined && { hint }) };
}
