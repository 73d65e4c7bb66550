// A service that compiles LaTeX from people it does not know:
//   curl --data-binary @paper.tex http://localhost:8080/ > paper.pdf
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { JailKeeper } from 'jailkeeper';

const formats = ['/var/lib/texmf', '/etc/texmf', '/usr/share/texmf'].filter(existsSync);

async function compile(source) {
  const cwd = await mkdtemp('/var/tmp/latex-');
  try {
    await writeFile(join(cwd, 'paper.tex'), source);
    const jail = new JailKeeper({ read: formats, strict: true, wallTime: 20_000 });
    const { code, stdout, jailbreaks } = await jail.run('pdflatex', ['-interaction=batchmode', 'paper.tex'], { cwd });
    const [jailbreak] = jailbreaks;
    if (jailbreak) return { status: 403, body: `${jailbreak.mode} ${jailbreak.file}: not yours\n` };
    if (code !== 0) return { status: 422, body: stdout };
    return { status: 200, body: await readFile(join(cwd, 'paper.pdf')) };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

export const server = createServer(async (request, response) => {
  const { status, body } = await compile(await text(request));
  response.writeHead(status).end(body);
}).listen(process.env.PORT ?? 8080, 'localhost');
