import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type ZtunnelVersion, ztunnelVersion } from '../../cdk8s/ztunnel-config.js';
import { assessment, type AssessOptions, exitCode, printedReport } from './assess.js';
import { canI, type CanIOptions, printed, STEPS } from './can-i.js';
import { explain } from './explain.js';
import { explained, InputError, UsageError } from './failures.js';
import { type ZtunnelConfigOptions, ztunnelConfig } from './ztunnel-config.js';

/** Exit code of a command line that makes no sense. @see sysexits.h, EX_USAGE */
const USAGE = 64;
/** Exit code of what a command was given and cannot read. @see sysexits.h, EX_DATAERR */
const INPUT = 65;
/** Exit code of `assess` where the cluster cannot be looked at: 1 is an answer there. @see sysexits.h, EX_UNAVAILABLE */
const UNAVAILABLE = 69;
/** Exit code of a command that fails itself, where 1 is an answer. @see sysexits.h, EX_SOFTWARE */
const FAILED = 70;
/** Exit code of `can-i`: no. */
const DENIED = 1;

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
 * @returns the exit code: 0, or what its answer stands for; 1 if the command failed, where 1 is an answer 69 (of a cluster) or 70; 64 if it
 *   is none; 65 if what it was given cannot be read.
 *   It never throws: what went wrong is on standard error
 */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const exit = { code: 0, failure: 1 };
  try {
    await program(surroundings, exit).parseAsync(args, { from: 'user' });
    return exit.code;
  } catch (error) {
    // It has said what is wrong itself; help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    surroundings.complain(`error: ${explained(error)}\n`);
    if (error instanceof UsageError) return USAGE;
    return error instanceof InputError ? INPUT : exit.failure;
  }
}

/** @param exit  a command that has an exit code to give sets it, and that of failure where 1 is an answer */
function program(
  { version, kubeconfig, print, complain }: Surroundings,
  exit: { code: number; failure: number },
): Command {
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
  command
    .command('assess')
    .description(
      'Says what a migration of namespaces would meet: findings with what to do about them, what becomes of each policy, and the ' +
        'objects that have to be there for policies to mean the same. Looks at manifests, or at a cluster, and writes nothing. Exit ' +
        'code 0: nothing stands in the way, 1: warnings, 2: blockers.',
    )
    .option('-f, --filename <path>', 'manifests: a file, a folder, or - for standard input; repeatable', collectPaths)
    .option(
      '-n, --namespace <name>',
      'the namespace to look at; in manifests also that of objects that name none (default there: all with sidecars, and default)',
      parseName,
    )
    .option('-A, --all-namespaces', 'all namespaces of the cluster with sidecars')
    .option('--prove', 'look for requests that would be answered otherwise at a moment of the migration, too')
    .option('--kubeconfig <path>', 'kubeconfig (default: $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: the current one)')
    .addOption(
      new Option('-o, --output <format>', 'how it is printed')
        .choices(['table', 'json', 'yaml', 'sarif'])
        .default('table'),
    )
    .action(async (options: AssessOptions) => {
      exit.failure = options.filename ? FAILED : UNAVAILABLE;
      const report = await assessment({ ...(kubeconfig !== undefined && { kubeconfig }), ...options });
      for (const warning of report.warnings ?? []) complain(`warning: ${warning}\n`);
      print(printedReport(report, options.output, version));
      exit.code = exitCode(report);
    });
  command
    .command('explain')
    .description('Says what a finding means, why, and what to do about it.')
    .argument('<code>', 'such as SST2003')
    .action((code: string) => print(explain(code)));
  command
    .command('can-i')
    .description(
      'Says whether a request gets through, who sees it on its way, and what each enforces, before a migration of the called ' +
        "Service's namespace, at each of its steps, and after. Reads manifests, and no cluster. Exit code 0: yes, 1: no.",
    )
    .requiredOption(
      '-f, --filename <path>',
      'manifests: a file, a folder, or - for standard input; repeatable',
      collectPaths,
    )
    .requiredOption('--from <namespace/serviceaccount>', 'who calls')
    .option('--to <service.namespace:port>', 'who is called (default: each port of each Service)')
    .option('-n, --namespace <name>', 'namespace of objects, and of a Service, that name none', parseName, 'default')
    .option('--method <name>', 'method of the request', 'GET')
    .option('--path <path>', 'its path', '/')
    .option('--header <name=value>', 'a header of it; repeatable', collect, [])
    .option('--claim <name=value>', 'a claim of its token, which is valid; repeatable', collect, [])
    .addOption(new Option('--at <step>', 'moment of the migration').choices(STEPS).default('Before'))
    .addOption(
      new Option('--all-steps', 'all moments of the migration; yes only if it is yes at each')
        .default(false)
        .conflicts('at'),
    )
    .addOption(
      new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json', 'yaml']).default('table'),
    )
    .action((options: CanIOptions) => {
      exit.failure = FAILED;
      const answer = canI(options);
      for (const warning of answer.warnings ?? []) complain(`warning: ${warning}\n`);
      print(printed(answer, options.output));
      if (!answer.steps.every(({ allowed }) => allowed)) exit.code = DENIED;
    });
  return command;
}

const collect = (text: string, others: readonly string[] = []): string[] => [...others, text];

function collectPaths(text: string, others: readonly string[] = []): string[] {
  if (text === '') throw new InvalidArgumentError('It must be the path of a file or folder.');
  return collect(text, others);
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
