import { policiesOfSidecar, policiesOfWaypoint } from '../mesh/enforcement/attachment.js';
import { endpointsOf } from '../mesh/enforcement/checkpoint.js';
import type { Claims } from '../mesh/enforcement/request.js';
import { jwtRules } from '../mesh/enforcement/token.js';
import type { MeshPicture, PictureService } from '../mesh/picture.js';
import { asStrings, type PolicyObject } from '../mesh/policy-object.js';

/** A port of a Service, as it is in a picture of the mesh. */
export interface CalledPort {
  readonly picture: MeshPicture;
  readonly service: PictureService;
  readonly port: number;
}

/**
 * Why nobody takes a token for a good one, whatever its claims say, in words; undefined: somebody knows its issuer.
 *
 * @param called  at all moments that are asked about
 * @param to      who is called, for the message
 */
export function tokenDoubt({ iss }: Claims, called: readonly CalledPort[], to: string): string | undefined {
  const found = called.map(authentications);
  const rules = jwtRules(found.flat());
  // A rule without an issuer takes any.
  if (rules.some(({ issuer }) => issuer === '' || issuer === iss)) return undefined;
  if (rules.length === 0) {
    return `--claim: nobody looks at the token, and no policy sees its claims: that takes a RequestAuthentication for the pods of ${to} among the manifests`;
  }
  // What a migration writes beside these knows the same issuers.
  const first = found.find((policies) => policies.length > 0) ?? [];
  const names = [...new Set(first.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`))].join(', ');
  const issuers = [...new Set(rules.map(({ issuer }) => issuer))];
  const said =
    iss === undefined ? 'the token names no issuer' : `nobody knows the issuer ${asStrings([iss].flat()).join(', ')}`;
  return `--claim: ${said}, so it is not valid: RequestAuthentication ${names} of ${to} knows ${issuers.join(', ')}; add --claim iss=${issuers[0]}`;
}

/** RequestAuthentications that sidecars of the pods read, or a waypoint for the Service. */
function authentications({ picture, service, port }: CalledPort): PolicyObject[] {
  const { requestAuthentications, waypoints } = picture;
  return [
    ...endpointsOf({ service, port }, picture).flatMap(({ workload }) =>
      policiesOfSidecar(requestAuthentications, workload, picture),
    ),
    ...waypoints.flatMap((waypoint) => policiesOfWaypoint(requestAuthentications, waypoint, service, picture)),
  ];
}
