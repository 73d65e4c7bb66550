/**
 * Signals by name and by number.
 */
import { constants } from 'node:os';

/** What `kill` takes. */
export type SignalLike = NodeJS.Signals | number | undefined;

/** The signals that the program passes on to the command. */
const PASSED_ON: ReadonlySet<number> = new Set(
  (['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const).map(
    (name) => constants.signals[name],
  ),
);

/** Returns the signal's number, or undefined for one that Node is to complain about. */
export function signalNumber(signal: SignalLike): number | undefined {
  if (typeof signal === 'number') {
    return Number.isInteger(signal) ? signal : undefined;
  }
  if (signal === undefined) {
    return constants.signals.SIGTERM;
  }
  return (constants.signals as Record<string, number>)[String(signal).toUpperCase()];
}

/** Tells whether the program passes the signal on. Others must be sent to the command itself. */
export function isPassedOn(signal: number): boolean {
  return PASSED_ON.has(signal);
}
