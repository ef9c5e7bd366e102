import { expect, it } from 'vitest';
import { countedIn } from './arena.js';
import { activeOpens, cpuMsOf } from './machine.js';

it('reads user and system time of a process, whatever its name', () => {
  const stat = '42 (a) b (c) S 1 42 42 0 -1 4194560 900 0 0 0 123 45 6 7 20 0 11 0 5000 1 2';
  expect(cpuMsOf(stat)).toBe((123 + 45) * 10);
});

it('finds the connections that were opened by the name of their column', () => {
  const snmp =
    'Ip: Forwarding ActiveOpens\nIp: 1 64\nTcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 183578 158175\nUdp: In\nUdp: 1\n';
  expect(activeOpens(snmp)).toBe(183578);
});

it('adds up the requests of contestants, and writes of Widgets and ConfigMaps only', () => {
  const counted = countedIn(
    [
      '# TYPE apiserver_request_total counter',
      'apiserver_request_total{code="200",group="bench.sidestep.dev",resource="widgets",subresource="status",verb="APPLY",version="v1"} 100',
      'apiserver_request_total{code="201",group="",resource="configmaps",subresource="",verb="APPLY",version="v1"} 20',
      'apiserver_request_total{code="200",group="bench.sidestep.dev",resource="widgets",subresource="",verb="LIST",version="v1"} 3',
      'apiserver_request_total{code="200",group="coordination.k8s.io",resource="leases",subresource="",verb="PUT",version="v1"} 7',
      'apiserver_flowcontrol_dispatched_requests_total{flow_schema="contestant",priority_level="workload-low"} 123',
      'apiserver_flowcontrol_dispatched_requests_total{flow_schema="exempt",priority_level="exempt"} 999',
    ].join('\n'),
  );
  expect(counted).toEqual({ requests: 123, writes: 120 });
});
