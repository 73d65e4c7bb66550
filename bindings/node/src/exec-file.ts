/**
 * `execFile` and `exec`: Node's own, on top of a jail's `spawn`.
 *
 * Node's cannot be used: it starts its child by a `spawn` that nobody can replace, without the
 * descriptor for events.
 */
import type { ChildProcess, ExecFileOptions, SpawnOptions } from 'node:child_process';
import type { Readable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { invalid } from './arguments.js';

/** What is called at the end. */
export type ExecCallback = (error: Error | null, stdout: string | Buffer, stderr: string | Buffer) => void;

/** Starts a command in a jail. */
export type Spawn = (command: string, args: string[], options: SpawnOptions) => ChildProcess;

/** The options of `exec` and `execFile`. */
export type ExecOptions = ExecFileOptions & { encoding?: string | null; shell?: boolean | string };

const MAX_BUFFER = 1024 * 1024;

/** Starts a command and collects what it prints. */
export function execFile(
  spawn: Spawn,
  file: string,
  args: string[],
  options: ExecOptions,
  callback: ExecCallback | undefined,
): ChildProcess {
  const { maxBuffer = MAX_BUFFER, timeout = 0, killSignal = 'SIGTERM', cwd, env, uid, gid, shell, signal } = options;
  if (!(typeof maxBuffer === 'number' && maxBuffer >= 0)) {
    throw outOfRange('maxBuffer', 'a positive number', maxBuffer);
  }
  if (!(Number.isInteger(timeout) && timeout >= 0)) {
    throw outOfRange('timeout', 'an unsigned integer', timeout);
  }
  const wanted = options.encoding === undefined ? 'utf8' : options.encoding;
  const encoding = wanted !== null && Buffer.isEncoding(wanted) ? wanted : undefined;
  const child = spawn(file, args, { cwd, env, uid, gid, shell, signal });
  let problem: Error | undefined;
  let isKilled = false;
  const kill = (): void => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    isKilled = true;
    try {
      child.kill(killSignal);
    } catch (error) {
      problem = error as Error;
      finish(null, null);
    }
  };
  const collect = (stream: Readable | null, name: string): Output =>
    new Output(stream, encoding, maxBuffer, () => {
      problem = Object.assign(new RangeError(`${name} maxBuffer length exceeded`), {
        code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
      });
      kill();
    });
  const stdout = collect(child.stdout, 'stdout');
  const stderr = collect(child.stderr, 'stderr');
  const timer = timeout > 0 ? setTimeout(kill, timeout) : undefined;
  let isFinished = false;
  const finish = (code: number | null, by: NodeJS.Signals | null): void => {
    if (isFinished) {
      return;
    }
    isFinished = true;
    clearTimeout(timer);
    if (callback === undefined) {
      return;
    }
    if (problem === undefined && code === 0 && by === null) {
      callback(null, stdout.all(), stderr.all());
      return;
    }
    const cmd = [file, ...args].join(' ');
    problem ??= Object.assign(new Error(`Command failed: ${cmd}\n${stderr.all()}`), {
      code: code !== null && code < 0 ? getSystemErrorName(code) : code,
      killed: child.killed || isKilled,
      signal: by,
    });
    callback(Object.assign(problem, { cmd }), stdout.all(), stderr.all());
  };
  child.on('close', finish);
  child.on('error', (error) => {
    problem = error;
    child.stdout?.destroy();
    child.stderr?.destroy();
    finish(null, null);
  });
  return child;
}

/** What came out of a stream, up to a bound. */
class Output {
  readonly #pieces: (string | Buffer)[] = [];
  readonly #stream: Readable | null;
  readonly #encoding: BufferEncoding | undefined;
  #length = 0;

  constructor(stream: Readable | null, encoding: BufferEncoding | undefined, max: number, overflow: () => void) {
    this.#stream = stream;
    this.#encoding = encoding;
    if (encoding !== undefined) {
      stream?.setEncoding(encoding);
    }
    stream?.on('data', (piece: string | Buffer) => {
      const current = stream.readableEncoding;
      const before = this.#length;
      this.#length += typeof piece === 'string' ? Buffer.byteLength(piece, current ?? 'utf8') : piece.length;
      if (this.#length > max) {
        this.#pieces.push(typeof piece === 'string' ? piece.slice(0, max - before) : piece.subarray(0, max - before));
        overflow();
      } else {
        this.#pieces.push(piece);
      }
    });
  }

  all(): string | Buffer {
    const isText = this.#encoding !== undefined || Boolean(this.#stream?.readableEncoding);
    return isText ? this.#pieces.join('') : Buffer.concat(this.#pieces as Buffer[]);
  }
}

function outOfRange(name: string, expected: string, value: unknown): RangeError {
  const message = `The value of "${name}" is out of range. It must be ${expected}. Received ${String(value)}`;
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

/** Reads `(file, args?, options?, callback?)`. */
export function readExecFile(values: unknown[]): { args: unknown; options: ExecOptions; callback?: ExecCallback } {
  const callback = values.find((value) => typeof value === 'function') as ExecCallback | undefined;
  const before = values.slice(0, callback === undefined ? values.length : values.indexOf(callback));
  const [args, options] = Array.isArray(before[0]) || before[0] === undefined || before[0] === null ? before : [undefined, before[0]];
  const last = values.at(-1);
  if (callback === undefined && values.length > 2 && last !== undefined && last !== null) {
    throw invalid('ERR_INVALID_ARG_TYPE', `The "callback" argument must be of type function. Received ${typeof last}`);
  }
  return { args, options: { ...(options as ExecOptions | undefined) }, ...(callback !== undefined && { callback }) };
}
