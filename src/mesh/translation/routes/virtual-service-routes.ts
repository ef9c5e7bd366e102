import { type PolicyObject, asRecord, asRecords, asStrings } from '../../policy-object.js';
import type { Remark } from './remarks.js';
import { Remarks } from './remarks.js';
import { Backends } from './backends.js';
import { headerFilters, redirectFilter } from './filters.js';
import { anything, type Condition, conditionsOf } from './match.js';
import { mirrorFilters, mirrorsOf } from './mirrors.js';
import { parentsOf } from './parents.js';
import { duration, rewriteFilters } from './rewrites.js';
import { httpPorts, isThere, objectAt, type RouteScope } from './scope.js';
import { type Rule, routeSpecs } from './specs.js';

type Fields = Readonly<Record<string, unknown>>;

/** What has to be there in place of a VirtualService, or why nothing can be. */
export interface RouteTranslation {
  /** HTTPRoutes, and what they name; none if anything is refused. */
  readonly objects: readonly PolicyObject[];
  readonly refused: readonly Remark[];
  readonly leftOut: readonly Remark[];
}

/** A rule of a VirtualService, with what it asks for. */
interface ReadRule {
  readonly at: string;
  readonly fields: Fields;
  readonly conditions: readonly Condition[];
}

const KNOWN = ['hosts', 'gateways', 'http', 'exportTo'];
const WITHOUT = { tls: 'an HTTPRoute is for HTTP', tcp: 'an HTTPRoute is for HTTP' };

const KNOWN_OF_RULES = [
  ...['name', 'match', 'route', 'redirect', 'rewrite', 'timeout', 'headers'],
  ...['mirror', 'mirrors', 'mirrorPercentage', 'mirrorPercent', 'mirror_percent'],
];
const WITHOUT_OF_RULES = {
  directResponse: 'an HTTPRoute answers nothing by itself',
  delegate: 'what another VirtualService says is not looked up',
  retries: 'an HTTPRoute of the standard channel says nothing of retries; waypoints retry twice',
  fault: 'an HTTPRoute makes no faults',
  corsPolicy: 'an HTTPRoute answers preflights that match nothing, a VirtualService lets them go on',
};

/**
 * What says to a waypoint what a VirtualService says to sidecars: HTTPRoutes whose parents are its hosts, Services for the subsets
 * that it names, and leave to name Services of other namespaces. Each field is translated, refused, or told as left out.
 *
 * @see istio-ambient facts, 5.7; istio/istio pilot/pkg/config/kube/gateway/conversion.go
 */
export function virtualServiceRoutes(virtualService: PolicyObject, scope: RouteScope): RouteTranslation {
  const remarks = new Remarks();
  const spec = asRecord(virtualService.spec);
  if (virtualService.metadata.namespace !== scope.namespace) {
    remarks.refuse('metadata.namespace', `a route of Services of ${scope.namespace} has to be in their namespace`);
    return { objects: [], refused: remarks.refused, leftOut: [] };
  }
  remarks.refuseOthers(spec, 'spec', KNOWN, WITHOUT);
  const exportTo = asStrings(spec['exportTo']);
  if (exportTo.length > 0 && !exportTo.includes('*'))
    remarks.refuse('spec.exportTo', 'a route of a Service is for all its callers');
  const parents = parentsOf(virtualService, scope, remarks);
  const rules = asRecords(spec['http']).map((fields, index) => readRule(fields, `spec.http[${index}]`, remarks));
  if (rules.length === 0) remarks.refuse('spec.http', 'has no rules');
  const backends = new Backends(scope, virtualService.metadata.name, remarks);
  const ports = [...new Set(parents.flatMap(httpPorts).map(({ port }) => port))].sort((a, b) => a - b);
  checkPorts(rules, ports, remarks);
  const routes = (rules.some((rule) => dependsOnPort(rule, backends)) ? ports : [undefined]).flatMap((port) =>
    routesOf(
      virtualService,
      parents,
      rulesOn(port, rules, port === undefined ? ports : [port], backends),
      port,
      remarks,
    ),
  );
  for (const route of routes)
    if (objectAt(scope, 'HTTPRoute', scope.namespace, route.metadata.name) && !isThere(route, scope))
      remarks.refuse('metadata.name', `there is another HTTPRoute ${route.metadata.name}`);
  const { refused, leftOut } = remarks;
  return { objects: refused.length > 0 ? [] : [...backends.needed, ...routes], refused, leftOut };
}

function readRule(fields: Fields, at: string, remarks: Remarks): ReadRule {
  remarks.refuseOthers(fields, at, KNOWN_OF_RULES, WITHOUT_OF_RULES);
  const matches = asRecords(fields['match']);
  const conditions = matches.flatMap((match, index) => conditionsOf(match, `${at}.match[${index}]`, remarks));
  return { at, fields, conditions: matches.length === 0 ? [anything(at)] : conditions };
}

/** Whether a rule says different things of different ports. */
function dependsOnPort({ at, fields, conditions }: ReadRule, backends: Backends): boolean {
  const destinations = [
    ...asRecords(fields['route']).map(({ destination }) => asRecord(destination)),
    ...mirrorsOf(fields, at).map(({ destination }) => destination),
  ];
  return conditions.some(({ port }) => port !== undefined) || destinations.some((one) => backends.dependsOnPort(one));
}

function checkPorts(rules: readonly ReadRule[], ports: readonly number[], remarks: Remarks): void {
  for (const { at, port } of rules.flatMap(({ conditions }) => conditions))
    if (port !== undefined && !ports.includes(port)) remarks.refuse(`${at}.port`, `no host has HTTP on port ${port}`);
}

/** The rules for requests on a port; for all, if there is none. */
function rulesOn(
  port: number | undefined,
  rules: readonly ReadRule[],
  ports: readonly number[],
  backends: Backends,
): Rule[] {
  return rules.flatMap(({ at, fields, conditions }) => {
    const asked = conditions.filter((condition) => condition.port === undefined || condition.port === port);
    if (asked.length === 0) return [];
    return [
      {
        at,
        name: fields['name'],
        conditions: asked,
        content: contentOf({ at, fields, conditions: asked }, port, ports, backends),
      },
    ];
  });
}

/** What is done with requests that meet a rule. */
function contentOf(
  { at, fields, conditions }: ReadRule,
  port: number | undefined,
  ports: readonly number[],
  backends: Backends,
): Fields {
  const { remarks } = backends;
  const { redirect, route, timeout } = fields;
  const isRedirect = redirect !== undefined && redirect !== null;
  const isRefused = Object.keys(WITHOUT_OF_RULES).some((field) => fields[field] !== undefined);
  if (!isRedirect && !isRefused && asRecords(route).length === 0) remarks.refuse(`${at}.route`, 'names no destination');
  const filters = [
    ...headerFilters(fields['headers'], `${at}.headers`, remarks),
    ...rewriteFilters(fields['rewrite'], conditions, `${at}.rewrite`, remarks),
    ...(isRedirect ? [redirectFilter(redirect, ports, `${at}.redirect`, remarks)] : []),
    ...mirrorFilters(fields, at, backends, port),
  ];
  if (filters.length > 16) remarks.refuse(at, 'does more than 16 things with a request');
  const request = timeout === undefined ? undefined : duration(timeout, `${at}.timeout`, remarks);
  return {
    ...(filters.length > 0 && { filters }),
    ...(request !== undefined && { timeouts: { request } }),
    ...(!isRedirect && { backendRefs: backends.weighted(asRecords(route), port, `${at}.route`) }),
  };
}

function routesOf(
  { metadata }: PolicyObject,
  parents: readonly PolicyObject[],
  rules: readonly Rule[],
  port: number | undefined,
  remarks: Remarks,
): PolicyObject[] {
  const base = port === undefined ? metadata.name : `${metadata.name}-${port}`;
  const onPort =
    port === undefined ? parents : parents.filter((one) => httpPorts(one).some((each) => each.port === port));
  const parentRefs = onPort.map((parent) => ({
    group: '',
    kind: 'Service',
    name: parent.metadata.name,
    ...(port !== undefined && { port }),
  }));
  return routeSpecs(rules, remarks).map((part, index) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {
      name: `${base}${index === 0 ? '' : `-${index + 1}`}`,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    },
    spec: { parentRefs, rules: part },
  }));
}
