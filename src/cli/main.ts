#!/usr/bin/env node
/**
 * Entry point of the command line, `sidestep`; as `kubectl-sidestep` on the PATH also `kubectl sidestep`.
 */
import packageJson from '../../package.json' with { type: 'json' };
import { kubeconfigPath } from '../config.js';
import { run } from './program.js';

// Whoever reads may stop early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

void run(process.argv.slice(2), {
  version: packageJson.version,
  kubeconfig: kubeconfigPath(),
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
}).then((code) => {
  process.exitCode = code;
});
