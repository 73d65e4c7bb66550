/**
 * The events of a jail as they come over the wire: `schemas/event.json` in types.
 */

/** What every event begins with. */
export interface Header {
  /** The version of the events, 1. */
  v: 1;
  /** How many events of this jail there were before. */
  seq: number;
  /** When it was (RFC 3339, UTC). */
  time: string;
  /** Which jail it was. */
  jail: string;
}

/** In which way something was to be used. */
export type Mode = 'read' | 'write' | 'execute' | 'connect' | 'bind' | 'signal' | 'syscall';

/** The jail has started. */
export interface StartEvent extends Header {
  event: 'start';
  /** The process id of the command, as the host counts. */
  pid: number;
  command: string[];
  cwd: string;
  cwd_bytes?: string;
  strength: 'full' | 'flat' | 'monitor';
  walls: Record<string, { state: 'enforced' } | { state: 'off'; reason: string }>;
  /** What processes had before they were attached to, and that the policy would not have given them. */
  outside?: Outside[];
  /** How much of that is not in `outside`. */
  outside_dropped?: number;
}

/** Something that a process had before it was attached to. */
export interface Outside {
  pid: number;
  kind: 'descriptor' | 'socket' | 'mapping' | 'directory' | 'ring';
  /** The number of the descriptor, if it is one. */
  descriptor?: number;
  /** The file, or what else it leads to. */
  file: string;
  file_bytes?: string;
  state: 'kept' | 'closed';
}

/** A process above another. */
export interface Ancestor {
  pid: number;
  program: string;
  program_bytes?: string;
  argv: string[];
}

/** Somebody tried to get out. */
export interface JailbreakEvent extends Header {
  event: 'jailbreak';
  /** What was wanted. */
  mode: Mode;
  /** The file as it was asked for, made absolute, with no symbolic link followed. */
  file?: string;
  /** The bytes of `file` in base64, if they are not UTF-8. */
  file_bytes?: string;
  /** The file with symbolic links followed. */
  resolved?: string;
  resolved_bytes?: string;
  /** What the program did, in one word such as `open`. */
  operation: string;
  /** The system call, such as `openat`. */
  syscall: string;
  /** The names of the call's flags, such as `O_WRONLY`. */
  flags: string[];
  /** The address of a socket. */
  address?: string;
  /** The process id, as the host counts. */
  pid: number;
  /** The process id, as the jail counts. */
  jail_pid?: number;
  program: string;
  program_bytes?: string;
  argv: string[];
  /** The processes above it in the jail, the nearest first. */
  ancestors: Ancestor[];
  /** Why this is a jailbreak, for people. */
  rule: string;
  action: 'killed' | 'denied' | 'logged' | 'asked';
  /** What would allow it, for people. */
  hint?: string;
}

/** Something outside was looked at: a file or an address (only with `reportProbes`). */
export interface ProbeEvent extends Header {
  event: 'probe';
  file?: string;
  file_bytes?: string;
  resolved?: string;
  resolved_bytes?: string;
  address?: string;
  operation: string;
  syscall: string;
  pid: number;
  program: string;
  program_bytes?: string;
}

/** A limit was exceeded. */
export interface LimitEvent extends Header {
  event: 'limit';
  kind: string;
  limit: number;
  used: number;
  unit: string;
}

/** Something is not as it should be. */
export interface WarningEvent extends Header {
  event: 'warning';
  kind: string;
  message: string;
}

/** Events could not be delivered. */
export interface LostEvent extends Header {
  event: 'lost';
  count: number;
}

/** What a jail used. */
export interface Usage {
  /** Seconds from start to end. */
  wall: number;
  /** Seconds of processor time in programs. */
  user: number;
  /** Seconds of processor time in the kernel. */
  system: number;
  /** Bytes, if it was counted. */
  peak_memory?: number;
  processes?: number;
}

/** Nothing of the jail is alive any more. */
export interface ExitEvent extends Header {
  event: 'exit';
  code?: number;
  signal?: string;
  jailbreak: boolean;
  limit?: string;
  usage: Usage;
  /** How often something outside was looked at and answered as absent. */
  forgiven: number;
  /** Seconds from the attempt to the last death, at strength `monitor`. */
  killing?: number;
}

/** Any event of a jail. */
export type JailEvent =
  | StartEvent
  | JailbreakEvent
  | ProbeEvent
  | LimitEvent
  | WarningEvent
  | LostEvent
  | ExitEvent;

/** Why a jail could not be started, as the engine writes it. */
export interface ErrorLine extends Header {
  event: 'error';
  kind: string;
  message: string;
  hint?: string;
}
