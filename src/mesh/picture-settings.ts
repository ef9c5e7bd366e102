import type { PictureSettings } from './picture.js';
import { asRecord, asRecords, asStrings, stringAt } from './policy-object.js';
import { type IstiodConfiguration, indexSettings } from './ztunnel-view.js';

/** What of istiod's configuration decides who enforces what; istiod's own defaults for what it does not say. */
export function pictureSettings(configuration: IstiodConfiguration, systemNamespace: string): PictureSettings {
  const { mesh } = configuration;
  return {
    ...indexSettings(configuration, systemNamespace),
    trustDomainAliases: asStrings(mesh['trustDomainAliases']),
    enableAutoMtls: mesh['enableAutoMtls'] !== false,
    authorizationProviders: authorizationProviders(mesh),
    ...pathNormalization(mesh),
  };
}

function pathNormalization(mesh: Readonly<Record<string, unknown>>): Pick<PictureSettings, 'pathNormalization'> {
  const normalization = stringAt(asRecord(mesh['pathNormalization']), 'normalization');
  const known = (['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const).find(
    (name) => name === normalization,
  );
  return known ? { pathNormalization: known } : {};
}

function authorizationProviders(
  mesh: Readonly<Record<string, unknown>>,
): NonNullable<PictureSettings['authorizationProviders']> {
  const found = asRecords(mesh['extensionProviders']).flatMap((provider): [string, 'http' | 'grpc'][] => {
    const name = stringAt(provider, 'name') ?? '';
    if (provider['envoyExtAuthzHttp'] !== undefined) return [[name, 'http']];
    return provider['envoyExtAuthzGrpc'] === undefined ? [] : [[name, 'grpc']];
  });
  return Object.fromEntries(found);
}
