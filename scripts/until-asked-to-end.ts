/** How often to look whether make is still there, ms. */
const PARENT_CHECK_MS = 500;

/** Resolves on Ctrl-C, SIGTERM or SIGHUP, or when the make that started this process is gone. */
export function untilAskedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    // make that is killed does not tell its children.
    const parent = process.ppid;
    if (process.env['MAKELEVEL'] === undefined) return;
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      resolve();
    }, PARENT_CHECK_MS);
    timer.unref();
  });
}
