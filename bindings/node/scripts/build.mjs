// Builds `dist` from `src`: one run of tsc makes the CommonJS code, its ESM face and all types.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [join(typescript, 'bin', 'tsc'), '--project', root], { stdio: 'inherit' });

for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  const original = join(root, '..', '..', licence);
  if (existsSync(original)) {
    copyFileSync(original, join(root, licence));
  }
}
