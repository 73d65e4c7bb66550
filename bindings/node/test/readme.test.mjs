// The README's own example, and the service of the examples.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { require, workDirectory } from './stage.mjs';

const run = promisify(execFile);
const latex = existsSync('/usr/bin/pdflatex');

test('the example of the README does what it says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, code] = /<!-- This example[^]*?```js\n([^]*?)```/.exec(readme);
  const [, expected] = /It prints a number, and then\n\n```text\n([^]*?)```/.exec(readme);
  const work = workDirectory();
  const script = join(work, 'example.js');
  const name = JSON.stringify(require.resolve('jailkeeper'));
  writeFileSync(script, code.replace("require('jailkeeper')", `require(${name})`));
  const { stdout } = await run(process.execPath, [script], { cwd: work, timeout: 20_000 });
  assert.match(stdout, /^[1-9][0-9]*\n/);
  assert.equal(stdout.replace(/^[0-9]+\n/, ''), expected);
});

test('the LaTeX service compiles, and refuses', { skip: !latex && 'needs pdflatex' }, async () => {
  const port = 20_000 + (process.pid % 10_000);
  process.env.PORT = String(port);
  const { server } = await import(pathToFileURL(join(import.meta.dirname ?? '.', '..', 'examples', 'latex-service.mjs')));
  const post = (body) => fetch(`http://localhost:${port}/`, { method: 'POST', body });
  const page = (text) => `\\documentclass{article}\\begin{document}${text}\\end{document}`;
  try {
    const good = await post(page('Hello'));
    const pdf = Buffer.from(await good.arrayBuffer());
    assert.equal(good.status, 200, pdf.toString());
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    const thief = await post(page('\\input{/etc/passwd}'));
    assert.equal(await thief.text(), 'read /etc/passwd: not yours\n');
    assert.equal(thief.status, 403);
    const broken = await post('\\documentclass{article}\\begin{document}\\nosuchmacro');
    assert.equal(broken.status, 422);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
