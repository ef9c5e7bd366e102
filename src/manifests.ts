/**
 * Entry point: prints what a cluster needs to run Sidestep (CustomResourceDefinitions, account, rights, Deployment) as YAML.
 */
import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { type ManifestOptions, manifests } from './install.js';

new Command('manifests')
  .description('Prints the YAML that installs Sidestep; pipe it to: kubectl apply --server-side -f -')
  .option('--image <reference>', 'image of the operator', `sidestep:${packageJson.version}`)
  .option(
    '--namespace <name>',
    'namespace of the operator; that of istiod, default and kube-* are left as they are',
    'sidestep-system',
  )
  .option('--istio-namespace <name>', 'namespace of istiod', 'istio-system')
  .option('--without-deployment', 'leave out the Deployment and what serves it, for an operator outside the cluster')
  .action((options: ManifestOptions) => {
    process.stdout.write(manifests(options));
  })
  .parse();
