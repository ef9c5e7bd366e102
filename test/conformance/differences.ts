/**
 * Where the sandbox still differs from a real API server: by area, the behaviour and the reason. A difference that has
 * vanished fails the suite, and so does one whose case is gone.
 */
export const differences: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
