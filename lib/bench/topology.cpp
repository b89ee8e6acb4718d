#include "bench/topology.hpp"

#include <fmt/format.h>
#include <hwloc.h>

#include <algorithm>
#include <array>

namespace symmbench {
namespace {

/// "0-7,16"; empty for no CPU.
std::string list_of(hwloc_const_bitmap_t set) {
  char* text = nullptr;
  if (hwloc_bitmap_list_asprintf(&text, set) < 0 || text == nullptr) return {};
  std::string list(text);
  ::free(text);
  return list;
}

std::string bus_id_of(const hwloc_obj_attr_u::hwloc_pcidev_attr_s& pci) {
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", pci.domain, pci.bus, pci.dev, pci.func);
}

}  // namespace

struct Topology::State {
  hwloc_topology_t topology = nullptr;
  bool loaded = false;
  hwloc_bitmap_t bound = hwloc_bitmap_alloc();  ///< where this process may run
  bool bound_known = false;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    hwloc_bitmap_free(bound);
    if (topology != nullptr) hwloc_topology_destroy(topology);
  }

  Json count(hwloc_obj_type_t type) const {
    const int number = hwloc_get_nbobjs_by_type(topology, type);
    return number > 0 ? Json(number) : Json(nullptr);
  }

  /// Memory nodes next to any of these processors.
  std::vector<int> nodes_of(hwloc_const_bitmap_t cpus) const {
    std::vector<int> nodes;
    for (hwloc_obj_t node = nullptr;
         (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != nullptr;) {
      if (hwloc_bitmap_intersects(node->cpuset, cpus) != 0) nodes.push_back(static_cast<int>(node->os_index));
    }
    return nodes;
  }
};

Topology::Topology(const std::string& xml) : state_(std::make_unique<State>()) {
  State& state = *state_;
  if (hwloc_topology_init(&state.topology) != 0) return;
  const bool of_file = !xml.empty();
  if (of_file && hwloc_topology_set_xmlbuffer(state.topology, xml.c_str(), static_cast<int>(xml.size()) + 1) != 0)
    return;
  hwloc_topology_set_io_types_filter(state.topology, HWLOC_TYPE_FILTER_KEEP_ALL);
  if (hwloc_topology_load(state.topology) != 0) return;
  state.loaded = true;
  // Of another machine the whole of it.
  if (of_file) hwloc_bitmap_copy(state.bound, hwloc_topology_get_topology_cpuset(state.topology));
  state.bound_known = of_file || hwloc_get_cpubind(state.topology, state.bound, HWLOC_CPUBIND_PROCESS) == 0;
}

Topology::~Topology() = default;

Json Topology::machine() const {
  const State& state = *state_;
  Json machine = Json::object();
  for (const char* key :
       {"packages", "cores", "threads", "numa_nodes", "l3_caches", "l3_bytes", "bound_cpus", "bound_numa_nodes"}) {
    machine[key] = nullptr;
  }
  if (!state.loaded) return machine;
  machine["packages"] = state.count(HWLOC_OBJ_PACKAGE);
  machine["cores"] = state.count(HWLOC_OBJ_CORE);
  machine["threads"] = state.count(HWLOC_OBJ_PU);
  machine["numa_nodes"] = state.count(HWLOC_OBJ_NUMANODE);
  machine["l3_caches"] = state.count(HWLOC_OBJ_L3CACHE);
  if (const auto* l3 = hwloc_get_obj_by_type(state.topology, HWLOC_OBJ_L3CACHE, 0);
      l3 != nullptr && l3->attr->cache.size > 0) {
    machine["l3_bytes"] = l3->attr->cache.size;
  }
  if (state.bound_known) {
    machine["bound_cpus"] = list_of(state.bound);
    machine["bound_numa_nodes"] = state.nodes_of(state.bound);
  }
  return machine;
}

std::optional<DevicePlace> Topology::device(const std::string& pci_bus_id) const {
  const State& state = *state_;
  if (!state.loaded) return std::nullopt;
  const hwloc_obj_t device = hwloc_get_pcidev_by_busidstring(state.topology, pci_bus_id.c_str());
  if (device == nullptr) return std::nullopt;
  DevicePlace place;
  for (hwloc_obj_t at = device; at != nullptr; at = at->parent) {
    const bool bridge = at->type == HWLOC_OBJ_BRIDGE && at->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI;
    if (at == device) place.pci_path.push_back(bus_id_of(at->attr->pcidev));
    if (bridge) place.pci_path.push_back(bus_id_of(at->attr->bridge.upstream.pci));
  }
  std::ranges::reverse(place.pci_path);
  const hwloc_obj_t near = hwloc_get_non_io_ancestor_obj(state.topology, device);
  if (near == nullptr || near->cpuset == nullptr || hwloc_bitmap_iszero(near->cpuset) != 0) return place;
  place.near_cpus = list_of(near->cpuset);
  if (const auto nodes = state.nodes_of(near->cpuset); nodes.size() == 1) place.numa_node = nodes.front();
  if (state.bound_known) place.bound_near = hwloc_bitmap_intersects(near->cpuset, state.bound) != 0;
  return place;
}

}  // namespace symmbench
