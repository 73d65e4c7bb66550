/**
 * Commands that are lines for a shell.
 */
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SpawnOptions } from 'node:child_process';
import { invalid, type Request } from './arguments.js';

const SHELL = '/bin/sh';

/**
 * Puts a shell in front of a command where one is asked for.
 *
 * That is the option `shell`, as everywhere in Node; and a command with spaces in it but no
 * arguments, when there is no program with such a name.
 */
export function withShell<Options extends SpawnOptions>(request: Request<Options>): Request<Options> {
  const { command, args, options } = request;
  const { shell } = options;
  if (shell !== undefined && shell !== null && typeof shell !== 'boolean' && typeof shell !== 'string') {
    throw invalid('ERR_INVALID_ARG_TYPE', 'The "options.shell" property must be of type boolean or string.');
  }
  if (!shell && !isLine(request)) {
    return request;
  }
  const line = [command, ...args].join(' ');
  return { command: typeof shell === 'string' ? shell : SHELL, args: ['-c', line], options };
}

function isLine({ command, args, options }: Request<SpawnOptions>): boolean {
  if (args.length > 0 || !/\s/.test(command)) {
    return false;
  }
  const cwd = options.cwd instanceof URL ? fileURLToPath(options.cwd) : (options.cwd ?? '.');
  const path = (options.env ?? process.env)['PATH'] ?? '';
  const folders = command.includes('/') ? [''] : path.split(delimiter);
  return !folders.some((folder) => existsSync(resolve(cwd, join(folder, command))));
}
