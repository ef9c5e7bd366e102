import { inject, it } from 'vitest';

/**
 * A test that leaves the operator, istiod and the API server alone, and looks at namespaces of its own only. Such tests, if they
 * stand beside each other, run at the same time where waiting takes real time. Where time is simulated only one can move it.
 */
export const independent = inject('cluster') === 'controlplane' ? it.concurrent : it;
