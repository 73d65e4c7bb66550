// What is in the package, and how it is loaded.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import Default, * as named from 'jailkeeper';
import { JailKeeper, require, workDirectory } from './stage.mjs';

const folder = dirname(require.resolve('jailkeeper/package.json'));
const modules = process.env.JAILKEEPER_TEST_MODULES;

test('require gives the constructor itself', () => {
  assert.equal(typeof JailKeeper, 'function');
  assert.equal(JailKeeper.JailKeeper, JailKeeper);
  assert.equal(JailKeeper.default, JailKeeper);
  assert.equal(JailKeeper.name, 'JailKeeper');
  assert.ok(new JailKeeper() instanceof EventEmitter);
});

test('import gives the same constructor', () => {
  assert.equal(Default, JailKeeper);
  assert.equal(named.JailKeeper, JailKeeper);
  assert.equal(named.JailKeeperError, JailKeeper.JailKeeperError);
});

test('the package has what it says, and no sources', () => {
  assert.deepEqual(readdirSync(folder).sort(), ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'dist', 'examples', 'package.json']);
  assert.ok(existsSync(join(folder, 'dist', 'index.mjs')));
  assert.throws(() => require('jailkeeper/dist/index.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
});

for (const [system, extension] of [['CommonJS', 'cts'], ['ECMAScript', 'mts']]) {
  test(`types hold for ${system} modules`, () => {
    const work = workDirectory();
    mkdirSync(join(work, 'node_modules', '@types'), { recursive: true });
    symlinkSync(folder, join(work, 'node_modules', 'jailkeeper'));
    for (const name of ['@types/node', 'undici-types']) {
      cpSync(join(modules, name), join(work, 'node_modules', name), { recursive: true });
    }
    cpSync(join(import.meta.dirname ?? '.', 'types', `consumer.${extension}`), join(work, `consumer.${extension}`));
    const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, types: ['node'], preserveSymlinks: true };
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [`consumer.${extension}`] }));
    const compiler = join(modules, 'typescript', 'bin', 'tsc');
    try {
      execFileSync(process.execPath, [compiler, '--project', work], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      assert.fail(`tsc: ${error.stdout}`);
    }
  });
}
