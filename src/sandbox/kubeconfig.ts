import { stringify } from 'yaml';

/** What a kubeconfig with one cluster and one user says. */
export interface KubeconfigContent {
  /** https URL of the API server. */
  server: string;
  /** PEM of the certificate by which its certificate is checked. */
  certificateAuthority: string;
  user: string;
  /** Bearer token. */
  token: string;
  /** Where commands without a namespace work. Default: `default`. */
  namespace?: string;
}

/** The YAML of a kubeconfig for the embedded cluster. */
export function kubeconfig({ server, certificateAuthority, user, token, namespace }: KubeconfigContent): string {
  const data = Buffer.from(certificateAuthority).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server, 'certificate-authority-data': data } }],
    users: [{ name: user, user: { token } }],
    contexts: [
      { name: 'sandbox', context: { cluster: 'sandbox', user, ...(namespace !== undefined && { namespace }) } },
    ],
    'current-context': 'sandbox',
  });
}
