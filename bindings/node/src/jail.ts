/**
 * The jail: a policy under which commands are run, one at a time.
 */
import { spawn as start, type ChildProcess, type SpawnOptions, type SpawnSyncOptions } from 'node:child_process';
import type * as childProcess from 'node:child_process';
import { EventEmitter } from 'node:events';
import { promisify } from 'node:util';
import { readArguments, readText, type Request } from './arguments.js';
import { attach } from './attach.js';
import { findBinary } from './binary.js';
import { commandLine } from './command-line.js';
import { deliver } from './deliver.js';
import { JailKeeperError } from './errors.js';
import type {
  ExitEvent,
  JailbreakEvent,
  JailEvent,
  LimitEvent,
  LostEvent,
  ProbeEvent,
  StartEvent,
  WarningEvent,
} from './events.js';
import { execFile, readExecFile, type ExecCallback, type ExecOptions } from './exec-file.js';
import { readFork } from './fork.js';
import { readAttachPolicy, readPolicy, type AttachOptions, type JailKeeperOptions, type Policy } from './policy.js';
import { collect, type RunOptions, type RunResult } from './result.js';
import { Run, type Audience } from './run.js';
import { Scratch } from './scratch.js';
import { withShell } from './shell.js';
import { runSync } from './sync.js';

/** What a jail emits. */
export interface JailKeeperEvents {
  /** The jail stands, and the command is about to run. */
  start: [event: StartEvent];
  /** Somebody tried to get out. Always before `exit`. */
  jailbreak: [event: JailbreakEvent];
  /** Something outside was looked at; with `reportProbes` alone. */
  probe: [event: ProbeEvent];
  /** A limit was exceeded. */
  limit: [event: LimitEvent];
  /** Something is not as it should be. */
  warning: [event: WarningEvent];
  /** Events could not be delivered. */
  lost: [event: LostEvent];
  /** Nothing of the jail is alive any more. The event is missing if the program was killed. */
  exit: [code: number | null, signal: NodeJS.Signals | null, event: ExitEvent | undefined];
  /** A command could not be started. Is emitted on the child as well. */
  error: [error: JailKeeperError];
}

/** What a request brings along besides the caller's own wishes. */
interface Extra {
  flags?: string[];
  report?: number;
}

/** Runs commands that nobody trusts: `child_process` with walls, and events of who tried what. */
export class JailKeeper extends EventEmitter<JailKeeperEvents> {
  readonly #policy: Policy;
  /** What runs at the moment. */
  #current: object | undefined;

  /**
   * Makes a jail. Relative paths are taken from the present working directory.
   *
   * @throws JailKeeperError `EPOLICY` for options that make no sense.
   */
  constructor(options?: JailKeeperOptions);
  /**
   * Puts walls around a child that runs already, with all that it has made, and emits what it tries. The child stays
   * Node's own. `start` says that the walls stand; `error` that they do not, and that the child was left as it was.
   *
   * @throws JailKeeperError `EPOLICY` for options that make no sense, `ENOTFOUND` for a child without a process.
   */
  constructor(child: ChildProcess, options?: AttachOptions);
  constructor(first: JailKeeperOptions | ChildProcess = {}, second?: AttachOptions) {
    super();
    if (!isChild(first)) {
      this.#policy = readPolicy(first);
      return;
    }
    this.#policy = readAttachPolicy(second ?? {});
    const { pid } = first;
    if (pid === undefined || first.exitCode !== null || first.signalCode !== null) {
      throw new JailKeeperError(
        'ENOTFOUND',
        'failed to attach to a child: it has no process',
        'attach while it runs, or start it in the jail: new JailKeeper(options).spawn(command)',
      );
    }
    const current = {};
    this.#current = current;
    attach(findBinary(), pid, this.#policy, this.#audience(() => this.#current === current));
  }

  /** `child_process.spawn`, in the jail. */
  readonly spawn = ((command: unknown, args?: unknown, options?: unknown) =>
    this.#start(withShell(readArguments(command, args, options)))) as typeof childProcess.spawn;

  /** `child_process.execFile`, in the jail. */
  readonly execFile = withPromise((file: unknown, ...rest: unknown[]) => {
    const { args, options, callback } = readExecFile(rest);
    return this.#execute(readArguments<ExecOptions>(file, args, options), callback);
  }) as unknown as typeof childProcess.execFile;

  /** `child_process.exec`, in the jail: the command is a line for `/bin/sh`. */
  readonly exec = withPromise((line: unknown, ...rest: unknown[]) => {
    const command = readText('command', line);
    const { options, callback } = readExecFile([undefined, ...(typeof rest[0] === 'function' ? [undefined] : []), ...rest]);
    const shell = typeof options.shell === 'string' ? options.shell : true;
    return this.#execute({ command, args: [], options: { ...options, shell } }, callback);
  }) as unknown as typeof childProcess.exec;

  /** `child_process.fork`, in the jail, which may also read the Node that it runs on. */
  readonly fork = ((modulePath: unknown, args?: unknown, options?: unknown) => {
    const request = readFork(modulePath, args, options);
    return this.#start(request, { flags: [`--read=${request.command}`] });
  }) as typeof childProcess.fork;

  /** `child_process.spawnSync`, in the jail. Events are emitted before it returns. */
  readonly spawnSync = ((command: unknown, args?: unknown, options?: unknown) => {
    this.#claim();
    const request = withShell(readArguments<SpawnSyncOptions>(command, args, options) as Request<SpawnOptions>);
    const { result, events, failure } = runSync(findBinary(), this.#policy, request as Request<SpawnSyncOptions>);
    for (const event of events) {
      this.#tell(event);
    }
    if (failure === undefined && result.pid > 0) {
      const exit = events.find((event): event is ExitEvent => event.event === 'exit');
      deliver(this, 'exit', result.status, result.signal, exit);
    }
    return result;
  }) as typeof childProcess.spawnSync;

  /** Runs a command to its end, and resolves to what came of it. A jailbreak is no rejection. */
  run(command: string, args: readonly string[], options: RunOptions & { encoding: 'buffer' }): Promise<RunResult<Buffer>>;
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<RunResult>;
  run(command: string, options?: RunOptions): Promise<RunResult>;
  async run(command: string, args?: unknown, options?: unknown): Promise<unknown> {
    const { input, encoding, ...request } = splitRun(readArguments<RunOptions>(command, args, options));
    const scratch = new Scratch();
    const jailbreaks: JailbreakEvent[] = [];
    const note = (event: JailbreakEvent): number => jailbreaks.push(event);
    this.on('jailbreak', note);
    try {
      const child = this.#start(withShell(request), { report: scratch.fd });
      return await collect(child, { input, encoding }, jailbreaks, scratch);
    } finally {
      this.off('jailbreak', note);
      scratch.close();
    }
  }

  #execute(request: Request<ExecOptions>, callback: ExecCallback | undefined): ChildProcess {
    const spawn = (command: string, args: string[], options: SpawnOptions): ChildProcess =>
      this.#start(withShell({ command, args, options }));
    return execFile(spawn, request.command, request.args, request.options, callback);
  }

  #start(request: Request<SpawnOptions>, extra: Extra = {}): ChildProcess {
    this.#claim();
    const { flags = [], report } = extra;
    const policy = { ...this.#policy, flags: [...this.#policy.flags, ...flags] };
    const line = commandLine(policy, request, { events: 'pipe', ...(report !== undefined && { report }) });
    const child = start(findBinary(), line.args, {
      ...request.options,
      argv0: undefined,
      shell: false,
      env: line.env,
      stdio: line.stdio,
    });
    const run = new Run(child, line.own, request, this.#audience(() => this.#current === run));
    this.#current = run;
    return child;
  }

  /** One child at a time: events say which jail they are of, but `exit` says only that it ended. */
  #claim(): void {
    if (this.#current !== undefined) {
      throw new JailKeeperError(
        'EBUSY',
        'failed to spawn: the jail has a child that is alive',
        'wait for `exit`, or make another JailKeeper with the same options',
      );
    }
  }

  #audience(isCurrent: () => boolean): Audience {
    return {
      event: (event) => this.#tell(event),
      failed: (error) => {
        const isHeard = this.listenerCount('error') > 0;
        deliver(this, 'error', error);
        return isHeard;
      },
      over: () => {
        if (isCurrent()) {
          this.#current = undefined;
        }
      },
      exited: (code, signal, event) => deliver(this, 'exit', code, signal, event),
    };
  }

  /** Emits an event of the engine under its name. The last one is told when Node has told it. */
  #tell(event: JailEvent): void {
    if (event.event !== 'exit') {
      deliver(this, event.event, event);
    }
  }
}

function isChild(value: object): value is ChildProcess {
  return typeof (value as Partial<ChildProcess> | null)?.kill === 'function';
}

/** Takes out what is not for `spawn`. */
function splitRun({ command, args, options }: Request<RunOptions>): Request<SpawnOptions> & Pick<RunOptions, 'input' | 'encoding'> {
  const { input, encoding, ...rest } = options;
  return { command, args, options: rest, input, encoding };
}

/** Gives `util.promisify` what it makes of Node's own: a promise of both outputs. */
function withPromise(execute: (...values: unknown[]) => ChildProcess): (...values: unknown[]) => ChildProcess {
  const promised = (...values: unknown[]): Promise<unknown> & { child?: ChildProcess } => {
    let child: ChildProcess | undefined;
    const promise = new Promise((resolve, reject) => {
      const callback: ExecCallback = (error, stdout, stderr) => {
        if (error === null) {
          resolve({ stdout, stderr });
        } else {
          reject(Object.assign(error, { stdout, stderr }));
        }
      };
      child = execute(...values, callback);
    });
    return Object.assign(promise, { child });
  };
  Object.defineProperty(execute, promisify.custom, { value: promised });
  return execute;
}
