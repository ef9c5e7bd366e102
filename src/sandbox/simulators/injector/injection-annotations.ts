import { isIP } from 'node:net';

type Check = (value: string) => string | undefined;

/** Checks of annotations that would make a proxy fail; each says what is wrong. */
const checks: Record<string, Check> = {
  'sidecar.istio.io/interceptionMode': (mode) =>
    ['REDIRECT', 'TPROXY', 'NONE'].includes(mode)
      ? undefined
      : `interceptionMode invalid, use REDIRECT,TPROXY,NONE: ${mode}`,
  'status.sidecar.istio.io/port': (port) => prefixed('excludeInboundPorts invalid: ', wrongPort(port)),
  'readiness.status.sidecar.istio.io/initialDelaySeconds': (value) => wrongNumber(value, 2 ** 32),
  'readiness.status.sidecar.istio.io/periodSeconds': (value) => wrongNumber(value, 2 ** 32),
  'readiness.status.sidecar.istio.io/failureThreshold': (value) => wrongNumber(value, 2 ** 32),
  'traffic.sidecar.istio.io/includeOutboundIPRanges': (value) =>
    value === '*' ? undefined : prefixed('includeIPRanges invalid: ', wrongRange(value)),
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': (value) =>
    prefixed('excludeIPRanges invalid: ', wrongRange(value)),
  'traffic.sidecar.istio.io/includeInboundPorts': (value) =>
    value === '*' ? undefined : prefixed('includeInboundPorts invalid: ', wrongPorts(value)),
  'traffic.sidecar.istio.io/excludeInboundPorts': (value) =>
    prefixed('excludeInboundPorts invalid: ', wrongPorts(value)),
  'traffic.sidecar.istio.io/excludeOutboundPorts': (value) =>
    prefixed('excludeOutboundPorts invalid: ', wrongPorts(value)),
};

/**
 * What is wrong with the annotations of a pod, in istiod's words; undefined if nothing is.
 *
 * @see istio/istio pkg/kube/inject/validate.go
 */
export function wrongAnnotations(annotations: Record<string, string>): string | undefined {
  const problems = Object.entries(annotations).flatMap(([name, value]) => {
    const problem = checks[name]?.(value);
    return problem === undefined ? [] : [`invalid value '${value}' for annotation '${name}': ${problem}`];
  });
  if (problems.length === 0) return undefined;
  const count = `${problems.length} error${problems.length === 1 ? '' : 's'} occurred:`;
  return `${count}\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`;
}

function wrongNumber(text: string, limit: number): string | undefined {
  const parsing = `strconv.ParseUint: parsing ${JSON.stringify(text)}:`;
  if (!/^\d+$/.test(text)) return `${parsing} invalid syntax`;
  return Number(text) < limit ? undefined : `${parsing} value out of range`;
}

function wrongPort(text: string): string | undefined {
  return prefixed(`failed parsing port '${text}': `, wrongNumber(text.trim(), 2 ** 16));
}

function wrongPorts(list: string): string | undefined {
  if (list.trim() === '') return undefined;
  const ports = list.trim().split(',');
  return ports.map((port) => prefixed(`failed parsing port '${port}': `, wrongPort(port))).find(Boolean);
}

function wrongRange(list: string): string | undefined {
  if (list === '') return undefined;
  return list
    .split(',')
    .filter((range) => !isRange(range))
    .map((range) => `failed parsing cidr '${range}': netip.ParsePrefix(${JSON.stringify(range)}): no '/'`)[0];
}

function isRange(text: string): boolean {
  const [address = '', bits = ''] = text.split('/');
  return isIP(address) !== 0 && /^\d+$/.test(bits) && Number(bits) <= (isIP(address) === 4 ? 32 : 128);
}

function prefixed(prefix: string, problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : prefix + problem;
}
