// istio-filters prints the HTTP filters that istiod generates of policies, made by Istio's own packages.
//
// It reads one JSON document of type Input from standard input, and writes one list of Envoy's HTTP filters for each
// of its proxies, in the order in which a request passes them.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/config/memory"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking"
	"istio.io/istio/pilot/pkg/networking/plugin/authn"
	"istio.io/istio/pilot/pkg/networking/plugin/authz"
	registry "istio.io/istio/pilot/pkg/serviceregistry/memory"
	"istio.io/istio/pkg/config/host"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/kube/krt"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/util/protomarshal"
)

// Input is what to generate filters of.
type Input struct {
	Proxies []Proxy `json:"proxies"`
}

// Proxy is a proxy without labels in a namespace, the policies of its mesh, and the settings that matter for them.
type Proxy struct {
	Namespace          string   `json:"namespace"`
	TrustDomain        string   `json:"trustDomain"`
	TrustDomainAliases []string `json:"trustDomainAliases"`
	// Extension providers that authorize over HTTP, by name: their port.
	Providers map[string]uint32 `json:"providers"`
	// Policies without selector, as Kubernetes has them.
	Policies []crd.IstioKind `json:"policies"`
	// Where the caller's identity is read from: filter state, as behind HBONE, or the certificate.
	UseFilterState bool `json:"useFilterState"`
	// The rules for connections whose protocol is not HTTP, in the form of HTTP filters.
	ForTCP bool `json:"forTCP"`
}

const provider = "ext-authz.providers.svc.cluster.local"

// What istiod asks for VirtualServices: it must be there.
var noVirtualServices = sync.OnceValue(func() *model.VirtualServiceController {
	return model.NewVirtualServiceController(
		memory.NewController(memory.Make(collections.Pilot)),
		model.VSControllerOptions{KrtDebugger: krt.GlobalDebugHandler},
		meshwatcher.NewTestWatcher(mesh.DefaultMeshConfig()),
	)
})

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	// Istio logs to standard output, which is for our answer.
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	var input Input
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	out := make([][]json.RawMessage, 0, len(input.Proxies))
	for i, proxy := range input.Proxies {
		filters, err := filtersOf(proxy)
		if err != nil {
			return fmt.Errorf("proxies[%d]: %w", i, err)
		}
		out = append(out, filters)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func filtersOf(of Proxy) ([]json.RawMessage, error) {
	push, err := pushContext(of)
	if err != nil {
		return nil, err
	}
	proxy := &model.Proxy{
		Type:            model.SidecarProxy,
		ConfigNamespace: of.Namespace,
		Metadata:        &model.NodeMetadata{Namespace: of.Namespace},
	}
	class := networking.ListenerClassSidecarInbound
	custom := authz.NewBuilder(authz.Custom, push, proxy, of.UseFilterState)
	local := authz.NewBuilder(authz.Local, push, proxy, of.UseFilterState)
	var filters []*hcm.HttpFilter
	if of.ForTCP {
		filters = append(custom.BuildTCPRulesAsHTTPFilter(), local.BuildTCPRulesAsHTTPFilter()...)
	} else {
		filters = append(custom.BuildHTTP(class), authn.NewBuilder(push, proxy).BuildHTTP(class)...)
		filters = append(filters, local.BuildHTTP(class)...)
	}
	return asJSON(filters)
}

func pushContext(of Proxy) (*model.PushContext, error) {
	// Policies are validated when they are admitted, and not when they are read: older ones may be of any form.
	store := memory.MakeSkipValidation(collections.Pilot)
	for i := range of.Policies {
		policy := &of.Policies[i]
		gvk := policy.GroupVersionKind()
		schema, known := collections.Pilot.FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&gvk))
		if !known {
			return nil, fmt.Errorf("policies[%d]: unknown kind %s", i, gvk)
		}
		config, err := crd.ConvertObject(schema, policy, "")
		if err != nil {
			return nil, fmt.Errorf("policies[%d]: %w", i, err)
		}
		if _, err := store.Create(*config); err != nil {
			return nil, fmt.Errorf("policies[%d]: %w", i, err)
		}
	}
	env := model.NewEnvironment()
	env.ServiceDiscovery = registry.NewServiceDiscovery(&model.Service{
		Hostname:   host.Name(provider),
		Attributes: model.ServiceAttributes{Namespace: "providers"},
	})
	env.ConfigStore = store
	env.Watcher = meshwatcher.NewTestWatcher(meshConfig(of))
	env.VirtualServiceController = noVirtualServices()
	env.Init()
	push := model.NewPushContext()
	push.InitContext(env, nil, nil)
	return push, nil
}

func meshConfig(of Proxy) *meshconfig.MeshConfig {
	config := mesh.DefaultMeshConfig()
	config.TrustDomain = of.TrustDomain
	config.TrustDomainAliases = of.TrustDomainAliases
	for name, port := range of.Providers {
		config.ExtensionProviders = append(config.ExtensionProviders, &meshconfig.MeshConfig_ExtensionProvider{
			Name: name,
			Provider: &meshconfig.MeshConfig_ExtensionProvider_EnvoyExtAuthzHttp{
				EnvoyExtAuthzHttp: &meshconfig.MeshConfig_ExtensionProvider_EnvoyExternalAuthorizationHttpProvider{
					Service: provider, Port: port,
				},
			},
		})
	}
	return config
}

func asJSON(filters []*hcm.HttpFilter) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, 0, len(filters))
	for _, filter := range filters {
		text, err := protomarshal.ToJSON(filter)
		if err != nil {
			return nil, err
		}
		out = append(out, json.RawMessage(text))
	}
	return out, nil
}
