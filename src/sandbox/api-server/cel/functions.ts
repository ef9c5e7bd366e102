import { authorization } from './authorizer.js';
import { formats } from './formats.js';
import { lists } from './lists.js';
import { network } from './network.js';
import { operators } from './operators.js';
import { type Library, library } from './overloads.js';
import { quantities } from './quantities.js';
import { standard, times } from './standard.js';
import { strings } from './strings.js';

let all: Library | undefined;

/** All functions that expressions of Kubernetes know (source: apiserver, pkg/cel/environment/base.go); made at first use. */
export function functions(): Library {
  return (all ??= library(operators, standard, times, strings, lists, quantities, network, formats, authorization));
}
