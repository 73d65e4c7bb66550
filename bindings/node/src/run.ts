/**
 * A command that runs in its jail: the program's `ChildProcess`, made to look like the command's.
 *
 * Node's `exit` is held back until the program has said its last word and nothing of the jail is
 * alive; `spawn` until the jail stands. What else happens on a `ChildProcess` is Node's own.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Request } from './arguments.js';
import { LineReader } from './channel.js';
import { JailKeeperError } from './errors.js';
import type { ErrorLine, ExitEvent, JailEvent, StartEvent } from './events.js';
import { codeOf, failureOf } from './failure.js';
import { initAbove, whenGone, type Init } from './gone.js';
import { isPassedOn, signalNumber, type SignalLike } from './signals.js';

/** How long a killed jail may take before the program is killed as well, in milliseconds. */
const PATIENCE = 2000;

/** Who is told what happens. */
export interface Audience {
  /** The program wrote an event. */
  event(event: JailEvent): void;
  /** The command could not be started. Returns whether somebody heard. */
  failed(error: JailKeeperError): boolean;
  /** Nothing is alive. Called before the child's own `exit`. */
  over(): void;
  /** Called after the child's own `exit`, and not for a command that could not be started. */
  exited(code: number | null, signal: NodeJS.Signals | null, event: ExitEvent | undefined): void;
}

type Emit = (name: string | symbol, ...values: unknown[]) => boolean;

/** What Node has inside of a `ChildProcess`. */
interface Handle {
  onexit(code: number, signal: string): void;
}

/** Follows one child from its start to its end. */
export class Run {
  readonly #child: ChildProcess;
  readonly #audience: Audience;
  readonly #command: Request<object>;
  readonly #finish: Handle['onexit'];
  readonly #kill: ChildProcess['kill'];
  readonly #emit: Emit;
  #start: StartEvent | undefined;
  #exit: ExitEvent | undefined;
  #line: ErrorLine | undefined;
  #init: Init | undefined;
  #ended: [code: number, signal: string] | undefined;
  #isSilent = false;
  #isOver = false;
  #failure: JailKeeperError | undefined;
  #spawn: 'not yet' | 'held' | 'told' = 'not yet';
  #pending: number[] = [];

  /** Takes over a child that was just started, with its events at a number of `stdio`. */
  constructor(child: ChildProcess, events: number, command: Request<object>, audience: Audience) {
    const handle = (child as unknown as { _handle?: Handle })._handle;
    if (typeof handle?.onexit !== 'function') {
      child.kill('SIGKILL');
      throw new JailKeeperError(
        'EUNSUPPORTED',
        `failed to follow a child process of Node ${process.version}`,
        'use a newer version of this package',
      );
    }
    this.#child = child;
    this.#audience = audience;
    this.#command = command;
    this.#finish = handle.onexit.bind(handle);
    this.#kill = child.kill.bind(child);
    this.#emit = child.emit.bind(child) as Emit;
    handle.onexit = (code, signal) => {
      this.#ended = [code, signal];
      this.#advance();
    };
    child.emit = (name: string | symbol, ...values: unknown[]) => this.#passOn(name, values);
    child.kill = (signal?: SignalLike) => this.#signal(signal);
    const shown = child as { spawnfile: string; spawnargs: string[] };
    shown.spawnfile = command.command;
    shown.spawnargs = [(command.options as { argv0?: string }).argv0 ?? command.command, ...command.args];
    this.#listen(events);
  }

  /** Reads events. Where Node ran out of descriptors there are none. */
  #listen(events: number): void {
    const stdio = this.#child.stdio as unknown as (Socket | null)[] | undefined;
    const socket = stdio?.[events];
    if (stdio === undefined || !socket) {
      this.#isSilent = true;
      return;
    }
    stdio.length = events;
    const reader = new LineReader((line) => this.#hear(line));
    socket.on('data', (piece: Buffer) => reader.feed(piece));
    // A program that was killed may leave its end in any state: the end of the jail tells all.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isSilent = true;
      this.#advance();
    });
    const { ref, unref } = this.#child;
    this.#child.ref = () => {
      socket.ref();
      ref.call(this.#child);
    };
    this.#child.unref = () => {
      socket.unref();
      unref.call(this.#child);
    };
  }

  #hear(line: JailEvent | ErrorLine): void {
    if (line.event === 'error') {
      this.#line = line;
      return;
    }
    if (line.event === 'start') {
      this.#start = line;
      this.#init = initAbove(line.pid);
      this.#tellSpawn();
      for (const signal of this.#pending.splice(0)) {
        this.#reach(signal);
      }
    } else if (line.event === 'exit') {
      this.#exit = line;
    }
    this.#audience.event(line);
  }

  /** Goes on to the end when the program has ended and has nothing more to say. */
  #advance(): void {
    if (this.#ended === undefined || !this.#isSilent || this.#isOver) {
      return;
    }
    this.#isOver = true;
    whenGone(this.#exit === undefined ? this.#init : undefined, () => this.#end());
  }

  #end(): void {
    const [code, signal] = this.#ended ?? [0, ''];
    const ending = { line: this.#line, started: this.#start !== undefined, code, signal };
    // Below zero Node itself failed, before there was any program.
    const failed = code < 0 || signal ? undefined : failureOf(ending, this.#command.command, this.#command.args);
    this.#audience.over();
    if (failed !== undefined) {
      this.#failure = failed;
      this.#finish(codeOf(failed), '');
      return;
    }
    try {
      this.#tellSpawn();
      this.#finish(code, signal);
    } finally {
      if (code >= 0) {
        this.#audience.exited(this.#child.exitCode, this.#child.signalCode, this.#exit);
      }
    }
  }

  /** Stands between Node and the listeners of the child. */
  #passOn(name: string | symbol, values: unknown[]): boolean {
    if (name === 'spawn' && this.#spawn === 'not yet') {
      this.#spawn = 'held';
      return false;
    }
    if (name === 'error' && this.#failure !== undefined) {
      const error = this.#failure;
      this.#failure = undefined;
      this.#spawn = 'told';
      const isHeard = this.#audience.failed(error);
      return isHeard && this.#child.listenerCount('error') === 0 ? true : this.#emit('error', error);
    }
    // Nothing comes before `spawn`: neither a message nor the error of an AbortSignal.
    this.#tellSpawn();
    return this.#emit(name, ...values);
  }

  #tellSpawn(): void {
    if (this.#spawn === 'held') {
      this.#spawn = 'told';
      this.#emit('spawn');
    }
  }

  /** `kill` of the child: the signal is for the command. */
  #signal(signal: SignalLike): boolean {
    const number = signalNumber(signal);
    if (this.#ended !== undefined || number === undefined || number === 0 || isPassedOn(number)) {
      return this.#kill(signal as NodeJS.Signals);
    }
    if (this.#start === undefined) {
      if (number === constants.signals.SIGKILL) {
        return this.#kill('SIGKILL');
      }
      this.#pending.push(number);
      (this.#child as { killed: boolean }).killed = true;
      return true;
    }
    return this.#reach(number);
  }

  /** Sends a signal that the program cannot pass on to the command itself. */
  #reach(number: number): boolean {
    const isKill = number === constants.signals.SIGKILL;
    try {
      process.kill(this.#start?.pid ?? 0, number);
    } catch {
      return isKill ? this.#kill('SIGKILL') : false;
    }
    if (isKill) {
      setTimeout(() => this.#ended ?? this.#kill('SIGKILL'), PATIENCE).unref();
    }
    (this.#child as { killed: boolean }).killed = true;
    return true;
  }
}
