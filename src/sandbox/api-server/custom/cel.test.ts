import { describe, expect, it, vi } from 'vitest';
import { authorizerVariable, CelCompileError, CelEvaluationError, compileCel, lazyVariables } from './cel.js';

const object = {
  n: 7,
  d: 1.5,
  s: 'hello',
  list: [1, 3, 2],
  map: { a: 'x', b: 'y' },
  nothing: null,
  'a-b': 1,
  namespace: 'ns',
};

function evaluate(expression: string, values: Record<string, unknown> = { object }): unknown {
  return compileCel(expression, Object.keys(values)).evaluate(values);
}

describe('compileCel', () => {
  it.each([
    ['object.n + 1', 8],
    ['object.n / 2', 3],
    ['object.d * 2.0', 3],
    ['object.list.map(x, x * 2)', [2, 6, 4]],
    ['object.list.filter(x, x > 1)', [3, 2]],
    ['object.map.map(k, object.map[k])', ['x', 'y']],
    ['object.map.transformMap(k, v, v + "!")', { a: 'x!', b: 'y!' }],
    ['object.list.transformList(i, v, i > 0, i + v)', [4, 4]],
    ['{1: "a"}.all(k, k == 1)', true],
    ['object.a__dash__b == 1 && object.__namespace__ == "ns"', true],
    ['has(object.nothing) && object.nothing == null', true],
    ['object.?missing.orValue("none")', 'none'],
    ['object.?missing.deeper.hasValue()', false],
    ['object.map[?"zz"].orValue("none")', 'none'],
    ["'%s has %d, %.2f and %x'.format([['a'], 3, 1.5, 255])", '[a] has 3, 1.50 and ff'],
    ['"a\\tb\\u0041" == r"a" + "\\tbA"', true],
    ["'''multi\nline'''.size()", 10],
    ['timestamp("2024-02-03T04:05:06Z").getDayOfYear()', 33],
    ['timestamp("2024-02-03T23:30:00Z").getDate("+01:00")', 4],
    ['string(duration("1h1s"))', '3601s'],
    ['type(object.list) == list && type(1u) == uint && type(type(1)) == type', true],
    ['0x10 == 16 && -3 % 2 == -1 && 7u / 2u == 3u && dyn(1.0) == 1', true],
    ['ip("2001:db8::0001") == ip("2001:DB8::1") && string(ip("2001:db8:0:0:1::")) == "2001:db8:0:0:1::"', true],
    ['cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8") && cidr("10.1.2.3/8").ip() == ip("10.1.2.3")', true],
    ['url("https://[::1]:8080/a b?x=1&x=2").getQuery()["x"]', undefined],
    ['quantity("1.5Gi").asApproximateFloat() == 1610612736.0', true],
    ['sets.contains([1.0, 2], [1])', undefined],
  ])('evaluates %s', (expression, value) => {
    if (value === undefined) expect(() => evaluate(expression)).toThrow();
    else expect(evaluate(expression)).toEqual(value);
  });

  it.each([
    ['object.missing', 'no such key: missing'],
    ['object.list[5]', 'index out of bounds: 5'],
    ['1 / 0 == 1', 'division by zero'],
    ['9223372036854775807 + 1 == 0', 'integer overflow'],
    ['object.s.missing', 'no such overload'],
    ['int("x") == 1', 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['optional.none().value() == 1', 'optional.none() dereference'],
    ['[].max() == 1', 'max called on empty list'],
  ])('says why %s has no value', (expression, message) => {
    expect(() => evaluate(expression)).toThrow(new CelEvaluationError(message));
  });

  it.each([
    ['true || object.missing == 1', true],
    ['object.missing == 1 || true', true],
    ['object.missing == 1 && false', false],
    ['object.list.exists(x, x == 3 || object.missing)', true],
    ['object.list.all(x, x == 3 && object.missing)', false],
  ])('lets one side decide: %s', (expression, value) => {
    expect(evaluate(expression)).toBe(value);
  });

  it.each([
    ['object.n >', "1:11: Syntax error: mismatched input '<EOF>' expecting"],
    ['object.n object', "1:10: Syntax error: extraneous input 'object' expecting <EOF>"],
    ['other.n', "1:1: undeclared reference to 'other' (in container '')"],
    ['object.n.foo()', "1:13: undeclared reference to 'foo' (in container '')"],
    ['1 + "a"', "1:3: found no matching overload for '_+_' applied to '(int, string)'"],
    ['true &&\n  1', "1:6: found no matching overload for '_&&_' applied to '(bool, int)'"],
    ['has(object)', '1:5: invalid argument to has() macro'],
    ['"a".matches("(?=b)")', '1:13: invalid matches argument'],
    ['[1, "a"].size()', "1:5: expected type 'int' but found 'string'"],
  ])('refuses %s', (expression, message) => {
    expect(() => compileCel(expression, ['object'])).toThrow(CelCompileError);
    expect(() => compileCel(expression, ['object'])).toThrow(`compilation failed: ERROR: <input>:${message}`);
  });

  it('plans deep expressions once', () => {
    const deep = `${'!('.repeat(60)}object.n == 7${')'.repeat(60)}`;
    expect(evaluate(deep)).toBe(true);
  });

  it('computes variables when they are used, once', () => {
    const used = vi.fn(() => 5);
    const unused = vi.fn(() => 1);
    const variables = lazyVariables({ used, unused });
    expect(evaluate('variables.used + variables.used', { variables })).toBe(10);
    expect(used).toHaveBeenCalledOnce();
    expect(unused).not.toHaveBeenCalled();
  });

  it('asks about access', () => {
    const decide = vi.fn(() => ({ allowed: true, reason: 'because' }));
    const authorizer = authorizerVariable(decide);
    const asked = "authorizer.group('apps').resource('deployments').namespace('ns').name('x').check('get')";
    expect(evaluate(`${asked}.allowed() && ${asked}.reason() == 'because'`, { authorizer })).toBe(true);
    expect(decide).toHaveBeenCalledWith({
      group: 'apps',
      resource: 'deployments',
      namespace: 'ns',
      name: 'x',
      verb: 'get',
    });
    expect(evaluate("authorizer.serviceAccount('ns', 'sa').path('/x').check('get').allowed()", { authorizer })).toBe(
      true,
    );
    expect(decide).toHaveBeenLastCalledWith({
      serviceAccount: { namespace: 'ns', name: 'sa' },
      path: '/x',
      verb: 'get',
    });
  });
});
