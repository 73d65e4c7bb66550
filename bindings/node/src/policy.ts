/**
 * What a jail may do, in the caller's words, and as flags of `jailkeeper run`.
 *
 * No policy is decided here: relative paths are made absolute, regular expressions are
 * translated, and everything else is the engine's.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JailKeeperError } from './errors.js';
import { translate } from './pattern/translate.js';

/** A path, or a pattern that is searched for in absolute paths. */
export type Entry = string | URL | RegExp;

/** What a jail may do. */
export interface JailKeeperOptions {
  /** What may be listed, read and run: trees, and patterns of files. */
  read?: Entry | readonly Entry[];
  /** What may also be created, changed, renamed and deleted. */
  write?: Entry | readonly Entry[];
  /** Trees that are taken out of allowed ones. */
  deny?: string | URL | readonly (string | URL)[];
  /** Whether the jail has the system directories, loader files and devices. Default: true. */
  base?: boolean;
  /** Whether the working directory of a command is writable. Default: true. */
  workingDirectory?: boolean;
  /** Whether the jail has an empty `/tmp` of its own, or none. Default: `private`. */
  tmp?: 'private' | 'deny';
  /** Makes looking at something outside a jailbreak too. Default: false. */
  strict?: boolean;
  /** Lets programs make sandboxes of their own, by Landlock and seccomp filters. Default: false. */
  nested?: boolean;
  /**
   * Whether somebody watches. With `none` the walls stand alone, at strength `flat`: what they
   * refuse has no event, and the jail goes on. For places where no seccomp listener can be had,
   * such as inside another jail. Default: `always`.
   */
  watch?: 'always' | 'none';
  /** What happens on a jailbreak: the jail is killed, or the call is denied. Default: `kill`. */
  onJailbreak?: 'kill' | 'deny';
  /** Emits `probe` for everything outside that was looked at. Default: false. */
  reportProbes?: boolean;
  /** Kills the jail after so many milliseconds. */
  wallTime?: number;
  /**
   * The strength below which nothing is run. A jail is as strong as the machine allows, so that
   * `monitor`, which enforces nothing, is used only where it is asked for and nothing else can be
   * had. Default: `flat`.
   */
  strength?: 'full' | 'flat' | 'monitor';
  /**
   * Who watches, instead of walls: `auto`, `ptrace`, `strace`, `illumos-truss`, `solaris-truss`,
   * `freebsd-truss` or `dtruss`, or one of these with the path of the program behind `=`. Goes with
   * `strength: 'monitor'` alone, and has that strength used even where there are walls.
   */
  tracer?: string;
}

/** Options for a process that runs already. */
export interface AttachOptions extends JailKeeperOptions {
  /** The directory that is writable, as the working directory of a command would be. Default: that of this process. */
  cwd?: string | URL;
  /**
   * What becomes of open files, sockets and rings that the process has and the policy does not allow: they are a
   * reason not to attach, they are closed, or they are kept. Default: `refuse`.
   */
  outside?: 'refuse' | 'close' | 'keep';
}

/** A policy that was looked at, with everything relative made absolute. */
export interface Policy {
  /** Flags of `jailkeeper run`. */
  flags: string[];
}

const NAMES = [
  'read',
  'write',
  'deny',
  'base',
  'workingDirectory',
  'tmp',
  'strict',
  'nested',
  'watch',
  'onJailbreak',
  'reportProbes',
  'wallTime',
  'strength',
  'tracer',
] as const satisfies readonly (keyof JailKeeperOptions)[];

/** Turns options into flags, relative paths taken from the present working directory. */
export function readPolicy(options: JailKeeperOptions): Policy {
  refuseUnknown(options);
  const policy: Policy = { flags: [] };
  entries(policy, 'read', options.read, '--read', '--read-pattern');
  entries(policy, 'write', options.write, '--write', '--write-pattern');
  entries(policy, 'deny', options.deny, '--deny');
  toggle(policy, 'base', options.base ?? true, false, '--no-base');
  toggle(policy, 'workingDirectory', options.workingDirectory ?? true, false, '--no-cwd');
  toggle(policy, 'strict', options.strict ?? false, true, '--strict');
  toggle(policy, 'nested', options.nested ?? false, true, '--nested');
  toggle(policy, 'reportProbes', options.reportProbes ?? false, true, '--report-probes');
  choice(policy, 'watch', options.watch, ['always', 'none'], '--watch');
  choice(policy, 'tmp', options.tmp, ['private', 'deny'], '--tmp');
  choice(policy, 'onJailbreak', options.onJailbreak, ['kill', 'deny'], '--on-jailbreak');
  if (options.wallTime !== undefined) {
    if (!(Number.isFinite(options.wallTime) && options.wallTime > 0)) {
      throw wrong('wallTime', 'a number of milliseconds above zero');
    }
    policy.flags.push(`--wall-time=${options.wallTime}ms`);
  }
  choice(policy, 'strength', options.strength, ['full', 'flat', 'monitor'], '--strength');
  if (options.tracer !== undefined) {
    if (typeof options.tracer !== 'string' || options.strength !== 'monitor') {
      throw wrong('tracer', "the name of a tracer, together with `strength: 'monitor'`");
    }
    policy.flags.push(`--tracer=${options.tracer}`);
  }
  return policy;
}

/** The same for a process that runs already. */
export function readAttachPolicy({ cwd, outside, ...options }: AttachOptions): Policy {
  const policy = readPolicy(options);
  choice(policy, 'outside', outside, ['refuse', 'close', 'keep'], '--outside');
  if (cwd !== undefined) {
    policy.flags.push(`--cwd=${absolute('cwd', cwd)}`);
  }
  return policy;
}

function entries(
  policy: Policy,
  name: string,
  value: JailKeeperOptions['read'],
  flag: string,
  patternFlag?: string,
): void {
  const list: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
  for (const entry of list) {
    if (isRegExp(entry) && patternFlag !== undefined) {
      policy.flags.push(`${patternFlag}=${translate(entry)}`);
    } else {
      policy.flags.push(`${flag}=${absolute(name, entry)}`);
    }
  }
}

/** A RegExp may come from another realm, such as that of a test runner. */
function isRegExp(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === '[object RegExp]';
}

function absolute(name: string, entry: unknown): string {
  const path = entry instanceof URL ? fileURLToPath(entry) : entry;
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    const also = name === 'deny' ? '' : ' or a RegExp';
    throw wrong(name, `a path, a file URL${also}, or an array of them`);
  }
  return resolve(path);
}

function toggle(policy: Policy, name: string, value: unknown, at: boolean, flag: string): void {
  if (typeof value !== 'boolean') {
    throw wrong(name, 'true or false');
  }
  if (value === at) {
    policy.flags.push(flag);
  }
}

function choice(policy: Policy, name: string, value: unknown, of: string[], flag: string): void {
  if (value === undefined) {
    return;
  }
  if (typeof value !== 'string' || !of.includes(value)) {
    throw wrong(name, of.map((word) => `'${word}'`).join(' or '));
  }
  policy.flags.push(`${flag}=${value}`);
}

/** A misspelt `deny` that is passed over would be a hole. */
function refuseUnknown(options: JailKeeperOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new JailKeeperError('EPOLICY', 'failed to read the options: they are no object');
  }
  for (const name of Object.keys(options)) {
    if (!(NAMES as readonly string[]).includes(name)) {
      throw new JailKeeperError(
        'EPOLICY',
        `failed to understand the option \`${name}\``,
        `the options are ${NAMES.map((known) => `\`${known}\``).join(', ')}`,
      );
    }
  }
}

function wrong(name: string, expected: string): JailKeeperError {
  return new JailKeeperError('EPOLICY', `failed to read the option \`${name}\``, `give ${expected}`);
}
