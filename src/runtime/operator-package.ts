import operatorModule from '@dot-i/k8s-operator';

export { ResourceMetaImpl } from '@dot-i/k8s-operator';
export type { OperatorLogger, ResourceEvent, ResourceEventType, ResourceMeta } from '@dot-i/k8s-operator';

/**
 * The class `Operator` of `@dot-i/k8s-operator`. The package is CommonJS with an `exports.default`: Node and esbuild give
 * `module.exports` as the default import, so the class is its `default`; loaders that honour `__esModule` (vitest) give the
 * class itself.
 */
export const Operator: typeof operatorModule.default =
  'default' in operatorModule ? operatorModule.default : operatorModule;
