/**
 * Names the kind of an error. All but `EBUSY` and `ENOBINARY` are the engine's own words.
 *
 * - `EPOLICY`: the policy is wrong, or cannot be kept
 * - `EUNSUPPORTED`: this machine, or this version of JailKeeper, cannot do it
 * - `ESETUP`: a step of building the jail failed
 * - `ENOTFOUND`: the command is not there
 * - `ENOTEXECUTABLE`: the command is there and cannot be run
 * - `EIO`: reading or writing something of the caller's failed
 * - `EBUSY`: the jail has a child that is alive
 * - `ENOBINARY`: the `jailkeeper` program was not found
 */
export type ErrorCode =
  | 'EPOLICY'
  | 'EUNSUPPORTED'
  | 'ESETUP'
  | 'ENOTFOUND'
  | 'ENOTEXECUTABLE'
  | 'EIO'
  | 'EBUSY'
  | 'ENOBINARY';

/** Says what failed, in words, and what to do about it. */
export class JailKeeperError extends Error {
  override readonly name: string = 'JailKeeperError';
  /** The kind, the same word as the engine's. */
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** `spawn COMMAND`, as in Node's own errors, when a command could not be started. */
  syscall?: string;
  /** The command that could not be started. */
  path?: string;
  /** Its arguments. */
  spawnargs?: string[];

  constructor(code: ErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
