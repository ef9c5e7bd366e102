/** Letters and digits of generated names: Kubernetes leaves out what could make words. */
const generated = 'bcdfghjklmnpqrstvwxz2456789';

/** What may differ between two runs of the same commands, in the order in which it is replaced. */
const replacements: readonly (readonly [RegExp, string])[] = [
  // kubectl's own log, which tells how fast the machine is.
  [/^[IWE]\d{4} \d\d:\d\d:\d\d\.\d+ .*\n/gm, ''],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UID'],
  [/\bkubectl-[0-9a-f]{8}\b/g, 'NAMESPACE'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME'],
  [/\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, 'TIME'],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}/g, 'TIME'],
  [/\/tmp\/(LIVE|MERGED)-\d+/g, '$1'],
  [/https:\/\/127\.0\.0\.1:\d+/g, 'SERVER'],
  [/\b10\.\d+\.\d+\.\d+(\/\d+)?\b/g, 'IP'],
  [/\b(resourceVersion"?: ?)"\d+"/gi, '$1"VERSION"'],
  [/(Resource Version: +)\d+/g, '$1VERSION'],
  // Which node a pod comes to is the scheduler's choice.
  [/(IP +)node-\d/g, '$1NODE'],
  [/\bnode-\d\/IP/g, 'NODE/IP'],
  [/(Ready(,SchedulingDisabled)? +<none> +)\w+/g, '$1AGE'],
  [/\bv1\.\d+\.\d+\b/g, 'RELEASE'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'TOKEN'],
  [new RegExp(`(pod-template-hash[=:] ?"?)[${generated}]{5,10}`, 'g'), '$1HASH'],
  [new RegExp(`-[${generated}]{7,10}-[${generated}]{5}\\b`, 'g'), '-HASH-POD'],
  [new RegExp(`-[${generated}]{7,10}\\b`, 'g'), '-HASH'],
  [new RegExp(`\\b(kube-api-access|web|job|nightly)-[${generated}]{5}\\b`, 'g'), '$1-POD'],
  [/\b(\d+d)?(\d+h)?(\d+m)?\d+s\b/g, 'AGE'],
];

/** What kubectl prints, without what differs from run to run: names, ages, addresses, versions, and widths of columns. */
export function normalised(output: string): string {
  const replaced = replacements.reduce((text, [pattern, name]) => text.replace(pattern, name), output);
  return replaced
    .split('\n')
    .map((line) => line.replace(/(?<=\S) {2,}/g, '  ').trimEnd())
    .join('\n');
}
