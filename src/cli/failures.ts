import { ApiError, TransportError, isForbidden } from '../kube/errors.js';

/** Something that whoever runs the command can put right; the message says what. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** What the command was given makes no sense: a file, a document or a field, which the message names. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The command line makes no sense, whatever the files say; the message names the option. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Most names that a message lists. */
const MOST_NAMES = 8;

/** What there is, to be put behind a message that something is not there. */
export function alternatives(names: readonly string[]): string {
  const distinct = [...new Set(names)].sort();
  if (distinct.length === 0) return '';
  const rest = distinct.length > MOST_NAMES ? `, and ${distinct.length - MOST_NAMES} more` : '';
  return `; there is ${distinct.slice(0, MOST_NAMES).join(', ')}${rest}`;
}

/** What went wrong and what to do about it, in words. */
export function explained(error: unknown): string {
  if (isForbidden(error)) {
    return `${error.message}\nThe user of the kubeconfig needs this right; kubectl auth can-i --list shows which it has.`;
  }
  if (error instanceof ApiError) {
    return error.code === 401
      ? `${error.message}\nThe cluster does not accept the credentials of the kubeconfig: have they expired, and is it the right context?`
      : error.message;
  }
  if (error instanceof TransportError) {
    return `cannot reach the cluster: ${messages(error).join(': ')}\n${whatToDo(error)}`;
  }
  return error instanceof Error ? error.message : String(error);
}

function whatToDo({ cause }: TransportError): string {
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  return /CERT|VERIFY/.test(code)
    ? 'The kubeconfig says whom to trust: certificate-authority-data and tls-server-name of the cluster. An expired certificate is for who runs the cluster to renew.'
    : 'Is it running, and is it the right context?';
}

/** The messages of an error and of its causes, each once. */
function messages(error: Error): string[] {
  const rest = error.cause instanceof Error ? messages(error.cause) : [];
  return [error.message, ...rest.filter((message) => message !== '' && !error.message.includes(message))];
}
