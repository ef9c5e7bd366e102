import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type ZtunnelVersion, ztunnelVersion } from '../../cdk8s/ztunnel-config.js';
import { explained } from './failures.js';
import { type ZtunnelConfigOptions, ztunnelConfig } from './ztunnel-config.js';

/** Exit code of a command line that makes no sense. @see sysexits.h, EX_USAGE */
const USAGE = 64;

/** What the command line has of the world. */
export interface Surroundings {
  /** Printed by `--version`. */
  readonly version: string;
  /** What the environment says, for commands without `--kubeconfig`. */
  readonly kubeconfig: string | undefined;
  /** To standard output. */
  readonly print: (text: string) => void;
  /** To standard error. */
  readonly complain: (text: string) => void;
}

/**
 * Runs a command line.
 *
 * @param args  without the program's name
 * @returns the exit code: 0; 1 if the command failed; 64 if it is none. It never throws: what went wrong is on standard error
 */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    await program(surroundings).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // It has said what is wrong itself; help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    surroundings.complain(`error: ${explained(error)}\n`);
    return 1;
  }
}

function program({ version, kubeconfig, print, complain }: Surroundings): Command {
  const command = new Command('sidestep')
    .description('Looks at namespaces that move between sidecar mode and ambient mode.')
    .version(version, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: complain })
    .showHelpAfterError('(sidestep --help says what there is)')
    .allowExcessArguments(false);
  command
    .command('ztunnel-config')
    .description(
      "Prints ztunnel's local configuration of a namespace, computed from the objects in the cluster: the workloads, services and " +
        'policies that ztunnel is told by istiod. With sidestep.dev/ztunnel-view: "true" on the Namespace, the operator keeps the ' +
        'same in the ConfigMap sidestep-ztunnel.',
    )
    .requiredOption('-n, --namespace <name>', 'namespace to look at', parseName)
    .option('--kubeconfig <path>', 'kubeconfig (default: $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: the current one)')
    .option('--istio-namespace <name>', 'namespace of istiod', parseName, 'istio-system')
    .option(
      '--ztunnel-version <version>',
      'version that reads it, such as 1.31 (default: that of the ztunnel in the cluster)',
      parseVersion,
    )
    .addOption(
      new Option('-o, --output <format>', 'yaml is what ztunnel reads').choices(['yaml', 'json']).default('yaml'),
    )
    .action(async (options: ZtunnelConfigOptions) =>
      print(await ztunnelConfig({ ...(kubeconfig !== undefined && { kubeconfig }), ...options })),
    );
  return command;
}

/** An empty name would stand for all namespaces. */
function parseName(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be the name of a namespace.');
  return text;
}

function parseVersion(text: string): ZtunnelVersion {
  const version = ztunnelVersion(text);
  if (!version) throw new InvalidArgumentError('It must be a version such as 1.31.');
  return version;
}
