import { type MeshObject, peerAuthentication, pod } from '../objects.js';
import { type AmbientCase, policyIn, rulesOf, attachedTo, app, noPrincipal } from './case.js';

const peer = (name: string, mode?: string, ports: Record<number, string> = {}, selected = true): MeshObject =>
  peerAuthentication(name, {
    ...(selected && { selector: { matchLabels: { app: 'a' } } }),
    ...(mode !== undefined && { mtls: { mode } }),
    ...(Object.keys(ports).length > 0 && {
      portLevelMtls: Object.fromEntries(Object.entries(ports).map(([port, of]) => [port, { mode: of }])),
    }),
  });
const converted = 'converted_peer_authentication_own';
const strict = 'istio-system/istio_converted_static_strict';

/** PeerAuthentications: what becomes of their modes. */
export const peers: readonly AmbientCase[] = [
  {
    title: 'a STRICT namespace has the one policy for all that is STRICT',
    objects: () => [peer('wide', 'STRICT', {}, false), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), rulesOf('istio_converted_static_strict')(config)],
    is: () => [[strict], [[[noPrincipal]]]],
  },
  {
    title: 'a PERMISSIVE workload in a STRICT namespace has none',
    objects: () => [
      peer('wide', 'STRICT', {}, false),
      peer('own', 'PERMISSIVE'),
      pod('a', app('a')),
      pod('b', app('b')),
    ],
    look: (config) => [attachedTo('a')(config), attachedTo('b')(config)],
    is: () => [undefined, [strict]],
  },
  {
    title: 'a STRICT workload with open ports has a policy of its own',
    objects: () => [peer('own', 'STRICT', { 8080: 'PERMISSIVE', 9090: 'DISABLE', 7070: 'STRICT' }), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), rulesOf(converted)(config)],
    is: (namespace) => [
      [`${namespace}/${converted}`],
      [[[noPrincipal], [{ notDestinationPorts: [8080] }], [{ notDestinationPorts: [9090] }]]],
    ],
  },
  {
    title: 'STRICT ports of a PERMISSIVE workload are a rule each',
    objects: () => [peer('own', 'PERMISSIVE', { 9090: 'STRICT', 8080: 'STRICT' }), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), rulesOf(converted)(config)],
    is: (namespace) => [
      [`${namespace}/${converted}`],
      [[[{ ...noPrincipal, destinationPorts: [8080] }]], [[{ ...noPrincipal, destinationPorts: [9090] }]]],
    ],
  },
  {
    title: 'an open port of a workload without mode is taken from what the namespace demands',
    objects: () => [
      peer('wide', 'STRICT', {}, false),
      peer('own', undefined, { 8080: 'PERMISSIVE' }),
      pod('a', app('a')),
    ],
    look: (config) => [attachedTo('a')(config), rulesOf(converted)(config)],
    is: (namespace) => [[`${namespace}/${converted}`], [[[{ notDestinationPorts: [8080] }], [noPrincipal]]]],
  },
  {
    title: 'a DISABLED port of a workload without mode does not open it',
    objects: () => [peer('wide', 'STRICT', {}, false), peer('own', undefined, { 8080: 'DISABLE' }), pod('a', app('a'))],
    look: attachedTo('a'),
    is: () => [strict],
  },
  {
    title: 'STRICT ports alone add nothing to a STRICT workload',
    objects: () => [peer('own', 'STRICT', { 8080: 'STRICT' }), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), policyIn(converted)(config)],
    is: () => [[strict], undefined],
  },
  {
    title: 'a STRICT mesh drops the STRICT port of a PERMISSIVE workload: what is attached is not there',
    root: [peer('mesh', 'STRICT', {}, false)],
    objects: () => [peer('own', 'PERMISSIVE', { 8080: 'STRICT' }), pod('a', app('a')), pod('b', app('b'))],
    look: (config) => [attachedTo('a')(config), policyIn(converted)(config), attachedTo('b')(config)],
    is: (namespace) => [[`${namespace}/${converted}`], undefined, [strict]],
  },
];
