#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Where a device hangs in the machine.
struct DevicePlace {
  std::optional<int> numa_node;       ///< of the processors next to it, where they share one
  std::string near_cpus;              ///< "0-31,64-95"
  std::optional<bool> bound_near;     ///< this process may run on one of them
  std::vector<std::string> pci_path;  ///< bridges from the root down, then the device: "0000:00:01.0", ...
};

/// The machine as hwloc sees it from this process: processors, memory nodes, PCI. Reading it takes some ten milliseconds.
/// What cannot be read is unknown; nothing here throws.
class Topology {
 public:
  /// `xml`: of another machine, as hwloc exports it (tests); empty: this one.
  explicit Topology(const std::string& xml = {});
  ~Topology();
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  /// {packages, cores, threads, numa_nodes, l3_caches, l3_bytes: of one, bound_cpus: where this process may run, "0-7",
  /// bound_numa_nodes}; null where unknown.
  Json machine() const;
  /// By PCI bus id, "0000:1b:00.0" in any case; nullopt: no such device is seen.
  std::optional<DevicePlace> device(const std::string& pci_bus_id) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace symmbench
