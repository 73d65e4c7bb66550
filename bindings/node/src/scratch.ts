/**
 * Files without a name, for what the program writes.
 */
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file that is gone when it is closed, however this process ends. */
export class Scratch {
  readonly fd: number;

  constructor() {
    const path = join(tmpdir(), `jailkeeper-${randomUUID()}`);
    this.fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  }

  /** Reads everything from the beginning. */
  read(): Buffer {
    const bytes = Buffer.alloc(fstatSync(this.fd).size);
    let length = 0;
    for (let count = -1; length < bytes.length && count !== 0; length += count) {
      count = readSync(this.fd, bytes, length, bytes.length - length, length);
    }
    return bytes.subarray(0, length);
  }

  /** Gives it back. */
  close(): void {
    closeSync(this.fd);
  }
}
