import type { ProxySettings } from '../enforcement/request.js';
import type { MeshPicture } from '../picture.js';
import { asRecord, asRecords, asStrings, type PolicyObject } from '../policy-object.js';
import { targetsOf } from '../waypoint-needs.js';
import { refusesName } from './gates.js';
import { isUndecidable, unknownName } from './questions.js';

/**
 * The picture in which the undecidable is decided: conditions that nothing of a mesh answers hold if they are among these, and else not; and
 * providers refuse what they are asked about if that is among these.
 *
 * @param yes  names of variables
 */
export function assuming(picture: MeshPicture, yes: ReadonlySet<string>): MeshPicture {
  const { authorizationPolicies, settings } = picture;
  if (!authorizationPolicies.some(hasUndecidable) && yes.size === 0) return picture;
  return {
    ...picture,
    authorizationPolicies: authorizationPolicies.map((policy) =>
      hasUndecidable(policy) ? decided(policy, yes) : policy,
    ),
    settings: { ...settings, authorizationProviders: answering(settings, yes) },
  };
}

function hasUndecidable({ spec }: PolicyObject): boolean {
  return asRecords(asRecord(spec)['rules']).some((rule) =>
    asRecords(rule['when']).some(({ key }) => isUndecidable(String(key))),
  );
}

/** Without the conditions that hold, and without the rules of those that do not. */
function decided(policy: PolicyObject, yes: ReadonlySet<string>): PolicyObject {
  const hop = targetsOf(policy).length > 0 ? 'Waypoint' : 'Sidecar';
  const rules = asRecords(asRecord(policy.spec)['rules']).flatMap((rule) => {
    const when = asRecords(rule['when']);
    const holds = ({ key, values, notValues }: Readonly<Record<string, unknown>>): boolean => {
      const isSo = (value: string): boolean => yes.has(unknownName(hop, String(key), value));
      const [wanted, unwanted] = [asStrings(values), asStrings(notValues)];
      return (wanted.length === 0 || wanted.some(isSo)) && !unwanted.some(isSo);
    };
    const isOpen = ({ key }: Readonly<Record<string, unknown>>): boolean => isUndecidable(String(key));
    if (!when.filter(isOpen).every(holds)) return [];
    return [{ ...rule, when: when.filter((condition) => !isOpen(condition)) }];
  });
  return { ...policy, spec: { ...asRecord(policy.spec), rules } };
}

/** A provider that is not known is not asked: what it should be asked about is refused. */
function answering(
  { authorizationProviders = {} }: ProxySettings,
  yes: ReadonlySet<string>,
): NonNullable<ProxySettings['authorizationProviders']> {
  return Object.fromEntries(Object.entries(authorizationProviders).filter(([name]) => !yes.has(refusesName(name))));
}
