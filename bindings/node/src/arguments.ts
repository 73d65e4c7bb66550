/**
 * Reads the arguments of `spawn` and its relatives as `child_process` does.
 */
import type { SpawnOptions } from 'node:child_process';

/** A command and how to run it. */
export interface Request<Options> {
  command: string;
  args: string[];
  options: Options;
}

/** Reads `(command, args?, options?)`. */
export function readArguments<Options extends object = SpawnOptions>(
  command: unknown,
  args: unknown,
  options: unknown,
): Request<Options> {
  const text = readText('file', command);
  if (text === '') {
    throw invalid('ERR_INVALID_ARG_VALUE', "The argument 'file' cannot be empty");
  }
  if (Array.isArray(args)) {
    return { command: text, args: args.map((arg, at) => readText(`args[${at}]`, `${arg}`)), options: readOptions(options) };
  }
  if (args !== undefined && args !== null && typeof args !== 'object') {
    throw invalid('ERR_INVALID_ARG_TYPE', `The "args" argument must be of type object. Received ${typeof args}`);
  }
  return { command: text, args: [], options: readOptions(args ?? options) };
}

/** Reads a text that is to become an argument of a program. */
export function readText(name: string, text: unknown): string {
  if (typeof text !== 'string') {
    throw invalid('ERR_INVALID_ARG_TYPE', `The "${name}" argument must be of type string. Received ${typeof text}`);
  }
  if (text.includes('\0')) {
    throw invalid('ERR_INVALID_ARG_VALUE', `The argument '${name}' must be a string without null bytes`);
  }
  return text;
}

/** Makes an error like those of Node's own argument checks. */
export function invalid(code: string, message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}

function readOptions<Options extends object>(options: unknown): Options {
  if (options === undefined || options === null) {
    return {} as Options;
  }
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalid('ERR_INVALID_ARG_TYPE', 'The "options" argument must be of type object.');
  }
  return { ...options } as Options;
}
