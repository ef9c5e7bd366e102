import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { stringify } from 'yaml';

/** Who talks to the API server; the audit log shows these names. All but the operator may do everything. */
export const users = [
  'admin',
  'system:kube-controller-manager',
  'system:kube-scheduler',
  'kwok',
  'istiod',
  'cni-agent',
] as const;
export type User = (typeof users)[number];

/** Files with keys, certificates and tokens of one control plane; nothing of it is used anywhere else. */
export interface Credentials {
  serviceAccountKey: string;
  serviceAccountPublicKey: string;
  tokenFile: string;
  tokens: Record<User, string>;
  istiod: { cert: string; key: string; ca: string };
}

/** Makes the credentials of one control plane in `dir`. */
export async function makeCredentials(dir: string): Promise<Credentials> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const put = (name: string, content: string): string => {
    const path = join(dir, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const tokens = Object.fromEntries(users.map((user) => [user, randomBytes(24).toString('base64url')])) as Record<
    User,
    string
  >;
  const { cert, key, ca } = await webhookCertificate();
  return {
    serviceAccountKey: put('service-account.key', privateKey.export({ type: 'sec1', format: 'pem' }) as string),
    serviceAccountPublicKey: put('service-account.pub', publicKey.export({ type: 'spki', format: 'pem' }) as string),
    tokenFile: put('tokens.csv', users.map((user) => `${tokens[user]},${user},${user},"system:masters"\n`).join('')),
    tokens,
    // Two files, though both hold one self-signed certificate: given the same path twice, istiod never serves TLS.
    istiod: { cert: put('istiod.crt', cert), key: put('istiod.key', key), ca: put('istiod-ca.crt', ca) },
  };
}

/** Writes a kubeconfig with one cluster and one user who has a token. */
export function writeKubeconfig(
  path: string,
  options: { server: string; ca: string; user: string; token: string; namespace?: string },
): void {
  const { server, ca, user, token, namespace } = options;
  writeFileSync(
    path,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'sidestep', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
      ],
      users: [{ name: user, user: { token } }],
      contexts: [
        { name: 'sidestep', context: { cluster: 'sidestep', user, ...(namespace === undefined ? {} : { namespace }) } },
      ],
      'current-context': 'sidestep',
    }),
    { mode: 0o600 },
  );
}

async function webhookCertificate(): Promise<{ cert: string; key: string; ca: string }> {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const dayMs = 86_400_000;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=istiod',
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 30 * dayMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  });
  const cert = certificate.toString('pem');
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert,
    ca: cert,
    key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`,
  };
}
