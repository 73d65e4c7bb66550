/**
 * `fork`: another Node in the jail, with a channel for messages.
 */
import type { ForkOptions, SpawnOptions } from 'node:child_process';
import { invalid, readArguments, type Request } from './arguments.js';

/** Reads `(modulePath, args?, options?)` as Node does. */
export function readFork(modulePath: unknown, args: unknown, options: unknown): Request<SpawnOptions> {
  const path = modulePath instanceof URL ? decodeURIComponent(modulePath.pathname) : modulePath;
  const request = readArguments<ForkOptions>(path, args, options);
  const { execPath = process.execPath, execArgv = ownArguments(), silent, ...rest } = request.options;
  return {
    command: execPath,
    args: [...execArgv, request.command, ...request.args],
    options: { ...rest, shell: false, stdio: withChannel(rest.stdio, silent ?? false) },
  };
}

function withChannel(stdio: ForkOptions['stdio'], silent: boolean): SpawnOptions['stdio'] {
  if (Array.isArray(stdio)) {
    if (!stdio.includes('ipc')) {
      throw Object.assign(new Error("Forked processes must have an IPC channel, missing value 'ipc' in options.stdio"), {
        code: 'ERR_CHILD_PROCESS_IPC_REQUIRED',
      });
    }
    return stdio;
  }
  const one = typeof stdio === 'string' ? stdio : silent ? 'pipe' : 'inherit';
  if (!['pipe', 'overlapped', 'inherit', 'ignore'].includes(one)) {
    throw invalid('ERR_INVALID_ARG_VALUE', `The argument 'stdio' is invalid. Received '${one}'`);
  }
  return [one, one, one, 'ipc'];
}

/** This process's own arguments, without a script of `-e`, which would fork without end. */
function ownArguments(): string[] {
  const script = (process as unknown as { _eval?: string })._eval;
  const at = script === undefined ? -1 : process.execArgv.lastIndexOf(script);
  return at > 0 ? process.execArgv.toSpliced(at - 1, 2) : process.execArgv;
}
