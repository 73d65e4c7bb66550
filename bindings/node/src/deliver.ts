/**
 * Delivers events so that no listener can keep another from hearing.
 */
import type { EventEmitter } from 'node:events';

/**
 * Calls every listener of an event. What one throws is thrown again later, where Node's rules for
 * uncaught exceptions see it: the others, and all later events, are delivered nevertheless.
 */
export function deliver(emitter: EventEmitter, name: string, ...values: unknown[]): void {
  for (const listener of emitter.rawListeners(name)) {
    try {
      listener.apply(emitter, values);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}
